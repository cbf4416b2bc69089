"""The exponentially weighted average: its window, its lag and its start (Kingma & Ba, 2015, section 3).

    python -m experiments.training.moving_average

About 2 s on two CPU cores. Finds: β = 0.9 averages over about 10 days, leaves 0.23 ± 0.03 of the noise and trails by 9
days; β = 0.98 over about 50, 0.10 ± 0.03 and 41 days; β = 0.5 over about 2, 0.58 ± 0.04 and 1 day. Without bias
correction the first ten days at β = 0.98 are 16.1 ± 0.1 °C off, with it 1.6 ± 0.9 °C (20 seeds).
"""

from dataclasses import dataclass

import numpy as np

from experiments import expect
from jaxdl.report.comparison import PALETTE, curves, legend, spread
from jaxdl.report.curves import weighted_average
from jaxdl.report.style import SOFT, figure, tidy
from jaxdl.run import run


@dataclass(frozen=True)
class Config:
    seeds: int = 20
    betas: tuple[float, ...] = (0.5, 0.9, 0.98)
    days: int = 365
    """120 or more: noise and lag are measured from day 100 on."""
    noise: float = 4.0
    """Standard deviation of a day's temperature around the season, in °C."""

    def __post_init__(self):
        expect(self, 120, "days")


def main(config, run):
    return findings(config, measure(config)), figures(config)


def temperatures(config, seed):
    """(day, the season, the season with noise), in °C, for a year that begins in July."""
    day = np.arange(1, config.days + 1)
    season = 10 + 8 * np.cos(2 * np.pi * (day - 15) / 365)
    return day, season, season + config.noise * np.random.default_rng(seed).normal(size=config.days)


def averages(values, beta):
    """(vₜ, v̂ₜ) for vₜ = β vₜ₋₁ + (1−β) θₜ from v₀ = 0, and v̂ₜ = vₜ / (1 − βᵗ)."""
    corrected = weighted_average(values, beta)
    return corrected * (1 - beta ** np.arange(1, len(values) + 1)), corrected


def measure(config):
    """{β: {quantity: a value a seed}}."""
    found: dict[float, dict[str, list]] = {}
    for beta in config.betas:
        values = found[beta] = {"error": [], "start": [], "corrected start": [], "noise": [], "lag": []}
        for seed in range(config.seeds):
            _, season, noisy = temperatures(config, seed)
            (plain, corrected), (_, of_season) = averages(noisy, beta), averages(season, beta)
            values["error"].append(np.sqrt(np.mean((corrected - season) ** 2)))
            values["start"].append(np.abs(plain - season)[:10].mean())
            values["corrected start"].append(np.abs(corrected - season)[:10].mean())
            values["noise"].append(np.sqrt(np.mean((corrected - of_season)[100:] ** 2)))
            values["lag"].append(lag(of_season[100:], season[100:]))
    return {beta: {name: np.array(of_seeds) for name, of_seeds in values.items()} for beta, values in found.items()}


def lag(average, season):
    """By how many days an average trails the season: the shift that fits best."""
    misfits = [np.mean((average[days:] - season[: len(season) - days]) ** 2) for days in range(len(season) // 2)]
    return int(np.argmin(misfits))


def weight_within(beta, days):
    """The share of the average that the last so many days have: 1 − β^days."""
    return 1 - beta**days


def findings(config, measured):
    told = [
        f"β = 0.98: the first value has the weight {1 - 0.98:.2f}, the first two {weight_within(0.98, 2):.4f} together",
        "θ = 10, 10 with β = 0.5: v₂ = {:g}, corrected {:g}".format(*(v[1] for v in averages(np.full(2, 10.0), 0.5))),
    ]
    for beta, values in measured.items():
        window = 1 / (1 - beta)
        told.append(
            f"β = {beta:g} averages over about {window:.0f} days, which have {weight_within(beta, window):.0%} of the "
            f"weight: it leaves {spread(values['noise'] / config.noise, 2)} of the noise "
            f"(√((1−β)/(1+β)) = {np.sqrt((1 - beta) / (1 + beta)):.2f}) and trails the season by about "
            f"{values['lag'].mean():.0f} d: {spread(values['error'], 2)} °C from it (root mean square)"
        )
        told.append(
            f"β = {beta:g} over the first ten days: {spread(values['start'], 1)} °C off, "
            f"with bias correction {spread(values['corrected start'], 1)} °C"
        )
    best = min(measured, key=lambda beta: measured[beta]["error"].mean())
    told.append(f"Nearest to the season over the year, of {config.seeds} seeds: β = {best:g}")
    return told


def figures(config):
    day, season, noisy = temperatures(config, 0)
    smooth = {f"β = {beta:g}": averages(noisy, beta) for beta in config.betas}
    sheet = figure(700, 360)
    axes = sheet.add_subplot()
    axes.plot(day, noisy, ".", color=SOFT, markersize=3, alpha=0.6, label="a day")
    axes.plot(day, season, ":", color=SOFT, linewidth=1.5, label="the season")
    for shade, (name, (_, corrected)) in zip(PALETTE, smooth.items(), strict=False):
        axes.plot(day, corrected, color=shade, linewidth=1.6, label=name)
    tidy(axes, "day", "temperature (°C)")
    legend(sheet)
    slowest = f"β = {max(config.betas):g}"
    plain, corrected = (average[:60] for average in smooth[slowest])
    start = {"not corrected": (day[:60], plain), "corrected": (day[:60], corrected), "season": (day[:60], season[:60])}
    ages = np.arange(80)
    weights = {f"β = {beta:g}": (ages, (1 - beta) * beta**ages) for beta in config.betas}
    return {
        "A larger β averages over more days: smoother, and later": sheet,
        f"{slowest}: without bias correction the average starts near zero": curves(start, "day", "temperature (°C)"),
        "The weight of a day falls to 1/e over about 1/(1−β) days": curves(weights, "age of the day (days)", "weight"),
    }


if __name__ == "__main__":
    run(main, Config)
