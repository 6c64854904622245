# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Does the compiled model answer as the original does?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

from . import _foreign
from ._arrays import as_array, numpy, shape_words
from ._model import Model


@dataclass(frozen=True)
class Comparison:
    """One output of both, compared. `bool(comparison)`: every value is within the tolerance."""

    output: str
    ok: bool
    largest: float  #: greatest absolute difference
    at: tuple[int, ...]  #: where
    ours: float  #: the two values there
    theirs: float
    snr: float  #: decibels; infinite if equal
    beyond: int  #: values beyond the tolerance
    count: int
    tolerance: str

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        if self.largest == 0:
            return f"output `{self.output}`: equal in all {self.count} values"
        verdict = "within" if self.ok else f"{self.beyond} of {self.count} values beyond"
        return (f"output `{self.output}`: {verdict} {self.tolerance}; greatest difference {self.largest:.3g} at {shape_words(self.at)} "
                f"(grus {self.ours:.9g}, original {self.theirs:.9g}), SNR {self.snr:.1f} dB")


@dataclass(frozen=True)
class Report:
    """All outputs. True if all agree; printing explains."""

    comparisons: tuple[Comparison, ...]

    def __bool__(self) -> bool:
        return all(self.comparisons)

    def __str__(self) -> str:
        return "\n".join(str(c) for c in self.comparisons)


def _answers(original: Any, samples: Sequence[Any]) -> tuple[Any, ...]:
    """What the original computes: a torch module, a Keras model, or any function of arrays."""
    if _foreign.is_keras(original):
        given = original(samples[0] if len(samples) == 1 else list(samples), training=False)
    elif _foreign.is_torch(original):
        import torch

        was_training = original.training
        with torch.no_grad():
            given = original.eval()(*[torch.as_tensor(x) for x in samples])
        original.train(was_training)
    else:
        given = original(*samples)
    given = tuple(given) if isinstance(given, (tuple, list)) else tuple(given.values()) if isinstance(given, dict) else (given,)
    return tuple(as_array(g, "an output of the original") for g in _flat(given))


def _flat(values: Any) -> list[Any]:
    return [x for v in values for x in (_flat(v) if isinstance(v, (tuple, list)) else [v])]


def _compare(name: str, ours: Any, theirs: Any, atol: float, rtol: float) -> Comparison:
    np = numpy()
    if ours.shape != theirs.shape:
        if ours.size != theirs.size:
            raise ValueError(f"output `{name}`: grus gives {shape_words(ours.shape)}, the original {shape_words(theirs.shape)}")
        theirs = theirs.reshape(ours.shape)
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    differs = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
    bad = ~(differs <= atol + rtol * np.abs(b))
    worst = np.where(np.isnan(differs), np.inf, differs)
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(worst)), worst.shape)) if worst.size else ()
    noise = float((differs**2).sum())
    snr = float("inf") if noise == 0 else 10 * float(np.log10(max((b**2).sum(), 1e-300) / noise))
    return Comparison(name, not bad.any(), float(worst[at]) if worst.size else 0.0, at, float(a[at]) if a.size else 0.0,
                      float(b[at]) if b.size else 0.0, snr, int(bad.sum()), int(a.size), f"{atol:g} + {rtol:g} * |original|")


def verify(model: Model, original: Any, samples: Any, *, atol: float = 1e-5, rtol: float = 1e-4) -> Report:
    """Runs both on the samples (an array, or a tuple of one for each input) and compares every output.

    original: the Keras model, the torch module, or a function of the same arrays.
    """
    inputs = samples if isinstance(samples, tuple) else (samples,)
    ours = model(*inputs)
    ours = ours if isinstance(ours, tuple) else (ours,)
    theirs = _answers(original, inputs)
    if len(theirs) < len(ours):
        raise ValueError(f"`{model.name}` has {len(ours)} outputs, and the original gave {len(theirs)}")
    return Report(tuple(_compare(p.name, as_array(a, p.name), b, atol, rtol) for p, a, b in zip(model.outputs, ours, theirs)))
