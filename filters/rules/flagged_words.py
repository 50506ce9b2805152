"""Obscene words and slurs."""

import re

from filters.english import excerpt
from filters.quotations import own_words
from pipeline.schema import WORD_END, WORD_START, Measurement, Passage, Rule

# Only words that no sober description needs: no "cock" (a bird), "breast" (chicken), "tit" (a bird), "nude" (a study).
WORDS = frozenset(
    "fuck fucks fucked fucker fuckers fucking fuckin fuckface fuckhead fucktard fuckwit motherfuck motherfucker"
    " motherfuckers motherfucking clusterfuck shit shits shitty shitting shitted shithead shithole shitshow shitfaced"
    " bullshit horseshit dipshit apeshit batshit cunt cunts cocksucker cocksuckers cocksucking dickhead dickheads"
    " dickpic whore whores slut sluts slutty bitch bitches bitchy bitching asshole assholes arsehole arseholes asshat"
    " dumbass dumbasses jackass jackasses wank wanker wankers wanking twat twats titties boob boobs blowjob blowjobs"
    " handjob handjobs cumshot cumshots cumming porn porno pornographic pornography masturbate masturbates masturbated"
    " masturbating masturbation dildo dildos jizz nigger niggers nigga niggas niggaz faggot faggots kike kikes retard"
    " retards retarded gangbang gangbangs bukkake deepthroat deepthroats deepthroating bastard bastards buttplug"
    " buttplugs milf milfs hentai orgy orgies creampie bollocks pissing boner boners spic spics wetback wetbacks gook"
    " gooks shemale shemales cums whorehouse".split()
)
# Words that are obscene in company, and the company; then spellings that hide a letter.
_COMPANY = re.compile(
    rf"{WORD_START}(?:suck(?:s|ing)? (?:a |his |my |your )?(?:dicks?|cocks?)|dick pics?|anal sex|piss(?:ed)? off"
    r"|deep throat|jerk(?:s|ing) off|pussy(?! (?:willow|cat|riot)|-)"
    rf"|blow jobs?|hand jobs?|gang bangs?|ass holes?|(?:her|his|big|huge|nice|bare) (?:big |huge |bare )?tits"
    r"|hardcore xxx)"
    rf"{WORD_END}"
)
_TRIGGERS = frozenset(
    "dick dicks cock cocks sex piss pissed jerk jerks jerking throat job jobs bang bangs ass tits xxx pussy".split()
)
_MASKED = re.compile(
    r"(?<!\w)(?:f[u*@#v][c*@#][k*](?:s|ed|er|ing)?|f\*{2,3}(?:k|king|ked)?|sh[i*!1@]t(?:ty)?|b[i*!1]t?[c*]h(?:es)?"
    r"|c[u*]nts?|a[s*$]{2}hole|d[i*]ck?head|wh[o*]re)(?!\w)"
)


def measure(passage: Passage) -> Measurement:
    """Flagged words / all words; 0 to 1. data-juicer's limit is 0.045, a word in 22; in a caption one is too many.

    Words on signs count as well, unless a letter is masked there: the model would learn to say them.
    """
    found = [word for word in passage.words if word.replace("-", "") in WORDS]
    if not _TRIGGERS.isdisjoint(passage.vocabulary):
        found += _COMPANY.findall(passage.lower)
    if "*" in passage.text or "@" in passage.text:
        found += [masked[0] for masked in _MASKED.finditer(own_words(passage.text).lower()) if masked[0] not in WORDS]
    if not found:
        return Measurement(0.0)
    start = passage.lower.find(found[0])
    return Measurement(len(found) / len(passage.words), excerpt(passage.text, start, start + len(found[0])))


RULE = Rule(
    name="flagged_words",
    why="What a model is fine-tuned to say, it says to everyone.",
    source="data-juicer's flagged_words_filter (max_ratio 0.045), with an own list of whole words",
    measure=measure,
    fails="above",
    limit=0.0,
)
