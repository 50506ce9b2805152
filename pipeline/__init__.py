"""What every stage stands on: params, schemas, the shard runner, the model and its backends.

Nothing here imports `stages` or `filters`.
"""

__version__ = "0.1.0"
