"""`make faults`: the fault programme. Prints attempted / acknowledged / fired / violations; a planted bug must be caught.

python -m tests.faults [kills] [seed]
"""

import asyncio
import random
import sys

from tests.faults import killing


def main(arguments: list[str]) -> int:
    """Run the experiments; 1 when a promise is broken, when nothing fired, or when a planted bug slips through."""
    kills = int(arguments[0]) if arguments else 200
    seed = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}, {kills} kills")
    print("| experiment | attempted | acknowledged | fired | violations | messages sent | doubled | of them unmarked |")
    print("|---|---|---|---|---|---|---|---|")
    failed = False
    for name, planted in (("kill -9", False), ("kill -9, planted: answers before the commit", True)):
        result = asyncio.run(killing.run(kills if not planted else min(kills, 40), seed, planted=planted))
        print(
            f"| {name} | {result.attempted} | {result.acknowledged} | {result.fired} | {len(result.violations)} "
            f"| {result.sent} | {result.doubled} | {result.unmarked} |",
            flush=True,
        )
        for violation in result.violations[:5]:
            print(f"    {violation}")
        failed = failed or (result.passed if planted else not result.passed)
    print("FAILED" if failed else "every promise held, the planted bug was caught")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
