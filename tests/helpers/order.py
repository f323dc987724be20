"""The order of the slow run: every worker begins with what takes longest, so that none is left with it at the end."""

from __future__ import annotations

from typing import Protocol, TypeVar

LONGEST = (
    "tests/slow/test_installed_wheel.py",
    "tests/property/test_emitted_rules.py",
    "tests/property/test_lifecycle.py",
    "tests/slow/test_pre_commit.py",
    "tests/slow/test_release.py::test_what_is_built_works_where_there_is_nothing_but_python",
    "tests/slow/test_spark_engine.py::test_thousands_of_offers",
    "tests/property/test_decisions_agree.py",
    "tests/unit/test_evidence.py",
    "tests/slow/test_readme.py",
    "tests/property/test_emitted_conditions.py",
    "tests/slow/test_fuzz.py",
    "tests/slow/test_rollback_kill.py::test_killed_while_a_part_goes_back[postgresql]",
    "tests/growth/test_growth.py::test_the_work_of_a_command_grows_no_faster_along_any_axis[spaces",
    "tests/property/test_emitted_agrees.py",
    "tests/growth/test_growth.py::test_the_work_of_a_command_grows_no_faster_along_any_axis[offers",
    "tests/growth/test_growth.py::test_the_work_of_a_command_grows_no_faster_along_any_axis[policies",
    "tests/growth/test_growth.py::test_the_work_of_a_command_grows_no_faster_along_any_axis[rules",
    "tests/slow/test_spark_engine.py::test_the_same_file",
    "tests/slow/test_rollback_kill.py::test_killed_while_a_part_goes_back[sqlite]",
    "tests/growth/test_growth.py::test_the_work_of_a_command_grows_no_faster_along_any_axis[campaigns",
)
"""What the ids of the longest tests begin with. The tests of one stay together, for their fixtures; those that start Spark
are every fourth, and so one worker's of the four in CI: it starts one Java machine, and no two need memory at once."""


class Test(Protocol):
    """What is ordered."""

    @property
    def nodeid(self) -> str:
        """Where it is."""


T = TypeVar("T", bound=Test)


def longest_first(items: list[T], workers: int) -> list[T]:
    """The same tests: as pytest-xdist gives each worker a stretch of them, the longest are dealt to their beginnings."""
    groups: dict[str, list[T]] = {prefix: [] for prefix in LONGEST}
    others: list[T] = []
    for item in items:
        group = next((groups[prefix] for prefix in LONGEST if item.nodeid.startswith(prefix)), others)
        group.append(item)
    stretches: list[list[T]] = [[] for _ in range(workers)]
    for number, group in enumerate(groups.values()):
        stretches[number % workers].extend(group)
    left = len(items)
    for number, stretch in enumerate(stretches):
        room = left // (workers - number) - len(stretch)
        stretch += others[: max(room, 0)]
        del others[: max(room, 0)]
        left -= len(stretch)
    return [item for stretch in stretches for item in stretch] + others
