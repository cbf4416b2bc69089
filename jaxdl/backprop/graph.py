"""The computation graph: a node is a forward and a backward function; nodes compose in a chain and in a DAG."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxdl.errors import InputError


class Node(NamedTuple):
    """One operation, as two pure functions.

    forward   (*inputs) -> (output, cache)
    backward  (cache, ∂J/∂output) -> (∂J/∂input, …), a gradient for each input, None for one that is not
              differentiated: labels, masks and keys

    Outputs, caches and gradients are arrays or trees of arrays, so that both functions can be jitted.
    """

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], tuple[Any, ...]]


def chain(nodes: Sequence[Node]) -> Node:
    """The node that feeds each output into the next node's first input.

    forward(x, *others): others[i] is the tuple of the further inputs of node i, such as (W, b), or () if it has none.
    The gradients come back in the same form. InputError if there isn't a tuple for every node.
    """

    def forward(x: Any, *others: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        if len(others) != len(nodes):
            raise InputError(
                f"a chain of {len(nodes)} nodes was given {len(others)} tuples: give one each, () for none"
            )
        caches = []
        for node, rest in zip(nodes, others, strict=True):
            x, cache = node.forward(x, *rest)
            caches.append(cache)
        return x, caches

    def backward(caches: list[Any], upstream: Any) -> tuple[Any, ...]:
        others = []
        for node, cache in zip(reversed(nodes), reversed(caches), strict=True):
            upstream, *rest = node.backward(cache, upstream)
            others.append(tuple(rest))
        return upstream, *reversed(others)

    return Node(forward, backward)


Steps = Mapping[str, tuple[Any, ...]]
"""{name: (node, names of its inputs …)}, each value after those it is made of; the last one is the output."""


def graph(inputs: Sequence[str], steps: Steps) -> Node:
    """The node of a whole directed acyclic graph, from its named inputs, in this order, to its last value.

    InputError for a value that is used before it is made, that is made twice, or that the output doesn't need.
    """
    _check(inputs, steps)

    def forward(*given: Any) -> tuple[Any, dict[str, Any]]:
        if len(given) != len(inputs):
            raise InputError(f"{len(given)} inputs for a graph of {len(inputs)}: {', '.join(inputs)}")
        values, caches = evaluate(steps, dict(zip(inputs, given, strict=True)))
        return values[_output(steps)], caches

    def backward(caches: dict[str, Any], upstream: Any) -> tuple[Any, ...]:
        gradients = differentiate(steps, caches, upstream)
        return tuple(gradients.get(name) for name in inputs)

    return Node(forward, backward)


def evaluate(steps: Steps, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(every value by name, the inputs too; every node's cache)."""
    values, caches = dict(inputs), {}
    for name, (node, *sources) in steps.items():
        values[name], caches[name] = node.forward(*(values[source] for source in sources))
    return values, caches


def differentiate(steps: Steps, caches: Mapping[str, Any], upstream: Any) -> dict[str, Any]:
    """∂J/∂value for every value that J depends on smoothly, upstream being ∂J/∂output.

    The chain rule from the output back: ∂J/∂x = Σ over the nodes that use x of ∂J/∂y · ∂y/∂x.
    """
    gradients = {_output(steps): upstream}
    for name in reversed(list(steps)):
        node, *sources = steps[name]
        if name not in gradients:
            continue
        for source, gradient in zip(sources, node.backward(caches[name], gradients[name]), strict=True):
            if gradient is None:
                continue
            known = gradients.get(source)
            gradients[source] = gradient if known is None else jax.tree.map(jnp.add, known, gradient)
    return gradients


def _output(steps: Steps) -> str:
    return list(steps)[-1]


def _check(inputs: Sequence[str], steps: Steps) -> None:
    if not steps:
        raise InputError("a graph without steps: expected at least one, such as {'y': (add, 'a', 'b')}")
    known = list(inputs)
    for name, (_, *sources) in steps.items():
        for source in sources:
            if source not in known:
                raise InputError(f"{name!r} uses {source!r}, which is not made before it: there is {', '.join(known)}")
        known.append(name)
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)} is given twice: every value needs a name of its own")
    needed = {_output(steps)}
    for name in reversed(list(steps)):
        if name in needed:
            needed.update(steps[name][1:])
    idle = [name for name in known if name not in needed]
    if idle:
        raise InputError(f"{', '.join(idle)} does not lead to the output {_output(steps)!r}: leave it out")
