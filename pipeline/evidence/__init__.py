"""How well descriptions belong to their pictures: the models that can be asked.

By default the section `model` itself: how much likelier a description is beside its own picture than beside others,
in nats per token, an estimate of their pointwise mutual information. Others, not a blank: without a picture a model
is out of its depth, and every picture makes every text likelier. Or a dual encoder (CLIP, SigLIP) of the user's, by
the cosine of picture and text: CLIPScore (Hessel et al. 2021, arXiv 2104.08718) without its factor of 2.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.params import Params

if TYPE_CHECKING:
    from pipeline.evidence.matching import Scorer


def load_scorer(params: Params) -> Scorer | None:
    """The scorer that `ground.model` names, ready to be asked; None for `none`.

    Raises UsageError or JobError in one line when the params do not lead to a model.
    """
    source = params.ground.model
    if params.ground.off:
        return None
    if source is None:
        from pipeline.evidence.likelihood import load_own_evidence

        return load_own_evidence(params)
    from pipeline.evidence.dual_encoder import load_dual_encoder

    return load_dual_encoder(source, params.ground.batch_size, params.model.threads)
