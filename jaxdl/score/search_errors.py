"""Error analysis of beam search: did the search miss the better sentence, or does the model prefer the worse one?"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Num

from jaxdl.errors import InputError

Values = Num[np.ndarray, "_"]


class SearchErrors(NamedTuple):
    """By sentence, whether the search is at fault; where it is not, the model is."""

    by_search: Bool[np.ndarray, " sentences"]

    @property
    def counts(self) -> dict[str, int]:
        """Sentences that each is at fault in."""
        search = int(self.by_search.sum())
        return {"search": search, "model": len(self.by_search) - search}

    @property
    def shares(self) -> dict[str, float]:
        """The same, of all sentences."""
        return {name: count / len(self.by_search) for name, count in self.counts.items()}

    @property
    def advice(self) -> str:
        """What to work on: what is at fault more often."""
        search, model = self.counts.values()
        if search > model:
            return f"the search is at fault in {search} of {search + model}: widen the beam"
        better = "regularise, get more data, try another architecture"
        if model > search:
            return f"the model is at fault in {model} of {search + model}: make it better: {better}"
        return f"search and model are at fault in {search} each: widen the beam, or make the model better: {better}"


def search_errors(human: Values, found: Values) -> SearchErrors:
    """The search is at fault where P(y*) > P(ŷ): y* was better by the model, and not found. Else the model is: it holds
    the worse ŷ to be at least as probable.

    human  log P(y* | x) of a person's sentence under the model
    found  log P(ŷ | x) of the search's

    Both of the sentences that came out wrong only, such as those of a dev set where a reader finds y* better than ŷ.
    If the search ranks by something else, such as log P / T^α, both are that. A y* that the model rules out, −∞, is the
    model's fault. InputError for other lengths, no sentence, and NaN. Source: the notes.
    """
    if human.shape != found.shape or not human.size:
        raise InputError(f"log P of {human.size} and {found.size} sentences: expected as many, and one or more")
    for name, values in (("y*", human), ("ŷ", found)):
        if np.isnan(values).any():
            raise InputError(f"log P({name}) of sentence {int(np.isnan(values).argmax())} is NaN: expected a number")
    return SearchErrors(human > found)
