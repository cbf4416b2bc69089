"""The optimiser of an experiment as a value: plain numbers that build an Optax chain.

Every rule is Optax's own, and the tests hold it to its textbook form in `rules`.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import optax

from jaxdl.errors import InputError, chosen
from jaxdl.optim import schedules
from jaxdl.typing import is_weight

Rule = Literal[
    "gd", "momentum", "momentum_average", "nesterov", "rmsprop", "adagrad", "adadelta", "adam", "adamw", "nadam"
]
Decay = Literal["constant", "inverse_time", "exponential", "inverse_sqrt", "staircase", "table", "cosine"]

VALUES = ("learning_rate", "weight_decay", "b1", "b2", "epsilon")

# What None stands for where the textbook's value is not the same for all.
_B2 = {"rmsprop": 0.9, "adadelta": 0.95, "adam": 0.999, "adamw": 0.999, "nadam": 0.999}
_EPSILON = {"adadelta": 1e-6}
_WEIGHT_DECAY = {"adamw": 0.01}
_DECAY_RATE = {"inverse_time": 1.0, "exponential": 0.95, "inverse_sqrt": 1.0, "staircase": 0.5}


@dataclass(frozen=True)
class Chain:
    """Clip by value, clip by global norm, scale by the rule, decay the weights, times −learning rate.

    None stands for the textbook's value.
    """

    name: Rule = "adam"  # the update rule
    learning_rate: float = 1e-3  # α₀, the rate of the first epoch
    decay: Decay = "constant"  # how the rate falls; an epoch counts once it is finished
    decay_rate: float | None = None  # inverse_time 1.0, exponential 0.95 and staircase 0.5 per epoch; k of inverse_sqrt
    decay_epochs: int = 1  # a stair's length in epochs
    table: tuple[tuple[int, float], ...] = ()  # pairs EPOCH RATE: from that epoch on, that rate
    warmup_steps: int = 0  # steps of linear rise before the decay takes over
    clip_value: float | None = None  # bound on each component of the gradient
    clip_norm: float | None = None  # bound on the norm of the whole gradient
    weight_decay: float | None = None  # λ, decoupled from the rule; 0.01 with adamw, else 0
    b1: float = 0.9  # β₁ of both momenta, nesterov, adam, adamw and nadam
    b2: float | None = None  # β₂ of rmsprop (0.9), adadelta (0.95), adam, adamw and nadam (0.999)
    epsilon: float | None = None  # ε in the denominators; 1e-6 with adadelta, else 1e-8

    def __post_init__(self):
        chosen("rule", self.name, dict.fromkeys(get_args(Rule)))
        chosen("decay", self.decay, dict.fromkeys(get_args(Decay)))
        _require("learning_rate", self.learning_rate, low=0.0)
        _require("decay_rate", self.decay_rate, low=0.0)
        _require("decay_epochs", self.decay_epochs, low=1)
        _require("warmup_steps", self.warmup_steps, low=0)
        _require("clip_value", self.clip_value, above=0.0)
        _require("clip_norm", self.clip_norm, above=0.0)
        _require("weight_decay", self.weight_decay, low=0.0)
        _require("b1", self.b1, low=0.0, below=1.0)
        _require("b2", self.b2, low=0.0, below=1.0)
        _require("epsilon", self.epsilon, above=0.0)  # 0 would make 0 / 0 of a gradient of 0
        epochs = [epoch for epoch, _ in self.table]
        if epochs != sorted(set(epochs)) or (self.decay == "table" and not epochs):
            raise InputError(f"table = {self.table}: expected pairs (epoch, rate) with rising epochs, as 0 0.1 10 0.01")
        for epoch, rate in self.table:
            _require("table's epoch", epoch, low=0)
            _require("table's rate", rate, low=0.0)

    def schedule(self, steps: int, steps_per_epoch: int) -> optax.Schedule:
        """step (from 0) -> learning rate, over a training of so many steps; also takes an array of steps, to plot."""
        _require("steps", steps, low=1)
        _require("steps_per_epoch", steps_per_epoch, low=1)
        if self.warmup_steps > steps:
            raise InputError(f"warmup_steps = {self.warmup_steps}: expected at most the training's {steps} steps")
        rate = _DECAY_RATE.get(self.decay, 0.0) if self.decay_rate is None else self.decay_rate
        match self.decay:
            case "constant":
                decayed = schedules.constant(self.learning_rate)
            case "inverse_time":
                decayed = schedules.inverse_time(self.learning_rate, rate, steps_per_epoch)
            case "exponential":
                decayed = schedules.exponential(self.learning_rate, rate, steps_per_epoch)
            case "inverse_sqrt":
                decayed = schedules.inverse_sqrt(self.learning_rate, rate, steps_per_epoch)
            case "staircase":
                decayed = schedules.staircase(self.learning_rate, rate, self.decay_epochs, steps_per_epoch)
            case "table":
                decayed = schedules.table(self.learning_rate, self.table, steps_per_epoch)
            case "cosine":
                decayed = schedules.cosine(self.learning_rate, steps, begin=self.warmup_steps)
        return schedules.warmup(decayed, self.warmup_steps)

    def build(self, steps: int, steps_per_epoch: int) -> optax.GradientTransformation:
        """The Optax transformation for a training of so many steps: W ← W − α·(r(g) + λW).

        g is the clipped gradient, r(g) the rule's direction, λ the weight decay, 0 for biases and the scales of norms:

        gd        r = g
        momentum  m ← β₁m + g,            r = m              the classical trace (Polyak, 1964)
        momentum_average  m ← β₁m + (1−β₁)g,  r = m          the notes' form: momentum at the rate α(1−β₁)
        nesterov  m ← β₁m + g,            r = g + β₁m        (Sutskever et al., 2013)
        rmsprop   v ← β₂v + (1−β₂)g²,     r = g / (√v + ε)   β₂ = 0.9 (Hinton, 2012)
        adagrad   v ← v + g²,             r = g / √(v + ε²)  (Duchi et al., 2011)
        adadelta  v as in rmsprop with β₂ = 0.95, r = g √(d + ε)/√(v + ε), d ← β₂d + (1−β₂)r², ε = 1e-6;
                                          made for α = 1     (Zeiler, 2012)
        adam      m ← β₁m + (1−β₁)g, v as above with β₂ = 0.999, m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ),
                                          r = m̂ / (√v̂ + ε)   (Kingma & Ba, 2015)
        adamw     adam, with λ = 0.01 unless said otherwise  (Loshchilov & Hutter, 2019)
        nadam     adam, with β₁m/(1−β₁ᵗ⁺¹) + (1−β₁)g/(1−β₁ᵗ) in the place of m̂  (Dozat, 2016)
        """
        schedule = self.schedule(steps, steps_per_epoch)
        decay = _WEIGHT_DECAY.get(self.name, 0.0) if self.weight_decay is None else self.weight_decay
        no_decay = isinstance(decay, float | int) and decay == 0
        return optax.chain(
            *([] if self.clip_value is None else [optax.clip(self.clip_value)]),
            *([] if self.clip_norm is None else [optax.clip_by_global_norm(self.clip_norm)]),
            self._rule(),
            *([] if no_decay else [optax.add_decayed_weights(decay, mask=_weights)]),
            optax.scale_by_learning_rate(schedule),
        )

    def _rule(self) -> optax.GradientTransformation:
        b2 = _B2.get(self.name, 0.0) if self.b2 is None else self.b2
        epsilon = _EPSILON.get(self.name, 1e-8) if self.epsilon is None else self.epsilon
        match self.name:
            case "gd":
                return optax.identity()
            case "momentum":
                return optax.trace(self.b1)
            case "momentum_average":
                return optax.ema(self.b1, debias=False)
            case "nesterov":
                return optax.trace(self.b1, nesterov=True)
            case "rmsprop":
                return optax.scale_by_rms(b2, eps=epsilon, eps_in_sqrt=False)
            case "adagrad":
                # Optax adds eps under the root; squared, it is of the size of the ε beside the root in the other rules.
                return optax.scale_by_rss(initial_accumulator_value=0.0, eps=epsilon**2)
            case "adadelta":
                return optax.scale_by_adadelta(b2, eps=epsilon)
            case "adam" | "adamw":
                return optax.scale_by_adam(self.b1, b2, eps=epsilon)
            case "nadam":
                return optax.scale_by_adam(self.b1, b2, eps=epsilon, nesterov=True)


@dataclass(frozen=True)
class Varied:
    """A chain some of whose numbers are arrays, and may be traced: trainings that differ in them are one program.

    values  {learning_rate, weight_decay, b1, b2 or epsilon: number}; unlike a chain's own they are not checked.
    InputError for another name, as all else decides which program it is, and for a learning rate of 0 in the chain.
    """

    chain: Chain
    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in self.values:
            chosen("value of an optimiser", name, dict.fromkeys(VALUES))
        if "learning_rate" in self.values:
            _require("learning_rate", self.chain.learning_rate, above=0.0)
            if self.chain.decay == "table":
                raise InputError("decay = table: it says the learning rates itself; vary them with another decay")

    def build(self, steps: int, steps_per_epoch: int) -> optax.GradientTransformation:
        """The chain's own transformation with these numbers."""
        chain = copy.copy(self.chain)
        for name, value in self.values.items():
            if name != "learning_rate":
                object.__setattr__(chain, name, value)
        built = chain.build(steps, steps_per_epoch)
        if "learning_rate" not in self.values:
            return built
        # What a schedule says of the chain's own rate it says of another in proportion.
        return optax.chain(built, optax.scale(self.values["learning_rate"] / self.chain.learning_rate))


def _weights(params: Any) -> Any:
    return jax.tree_util.tree_map_with_path(is_weight, params)


def _require(
    field: str,
    value: int | float | None,
    low: int | float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> None:
    """low ≤ value, above < value < below; None stands for a default and passes, NaN and infinity never do."""
    if value is None or (low <= value and above < value < below):
        return
    lower = f"≥ {low:g}" if above == -math.inf else f"> {above:g}"
    upper = "" if below == math.inf else f" and < {below:g}"
    raise InputError(f"{field} = {value}: expected a finite number {lower}{upper}")
