"""Everybody's top rate side by side: A B A B, all of them running throughout, one loaded at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from bench.serving.competitors import Competitor
from bench.serving.sample import Runs
from bench.serving.stage import Stage

Comparison = Mapping[tuple[str, str], Runs]
"""By competitor and kind."""


def compare(stage: Stage, competitors: Sequence[Competitor], say: Callable[[str], None]) -> Comparison:
    """Measure each competitor's top rate in every round."""
    found: dict[tuple[str, str], Runs] = {}
    with ExitStack() as stack:
        running = [(one, stack.enter_context(one.start(stage))) for one in competitors]
        for number in range(1, stage.plan.rounds + 1):
            for competitor, server in running:
                for kind in server.kinds:
                    stage.rest()
                    samples = server.run(kind)
                    runs = found.setdefault((competitor.key, kind), Runs(uncounted=stage.loader.uncounted))
                    runs.samples += samples
                    for one in samples:
                        about = f"{competitor.name}, {kind}: {one.answers.rate:,.0f} a second"
                        say(f"round {number}: {about}, strangers took {one.busy.others:.0%}")
    return found
