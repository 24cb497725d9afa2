"""The table of steps: every pair of state and step, named one by one."""

from itertools import product

import pytest

from receipts.receipt import TABLE, Go, No, Same, State, Step

FIVE = (State.ARRIVED, State.OPENED, State.SIGNED, State.REGISTERED, State.ANSWERED)
# What each step comes to, by state in the order of State: → the number of the next state, = a repeat, . refused.
EXPECTED = {
    #                    arr opn sgn reg ans ret rcl ask sup
    Step.OPEN: "2=======" + "=",
    Step.SIGN: ".3===" + ".." + "=" + ".",
    Step.REGISTER: "..4==" + "..." + ".",
    Step.ANSWER: "..55=" + "..." + ".",
    Step.RETURN: ".666." + "=.." + ".",
    Step.RECALL: "77..." + ".=." + ".",
    Step.ASK_RECALL: "..888" + ".==" + ".",
    Step.AGREE_RECALL: "....." + ".=7" + ".",
    Step.REFUSE_RECALL: "....." + "..3" + ".",
    Step.SUPERSEDE: "99999" + "9.9" + "=",
}


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_every_pair(state: State, step: Step) -> None:
    outcome = TABLE[state, step]
    sign = EXPECTED[step][state - 1]
    match outcome:
        case Go(after):
            assert sign == str(int(after))
        case Same():
            assert sign == "="
        case No(sentence):
            assert sign == "."
            assert sentence.endswith("。")


def test_the_table_has_every_pair_and_no_other() -> None:
    assert set(TABLE) == set(product(State, Step))


def test_a_later_fact_is_never_lowered() -> None:
    for (state, step), outcome in TABLE.items():
        if isinstance(outcome, Go) and state in FIVE and outcome.state in FIVE:
            assert outcome.state > state, (state, step)


def test_final_states_are_final() -> None:
    for step in Step:
        assert not isinstance(TABLE[State.RECALLED, step], Go)
        assert not isinstance(TABLE[State.SUPERSEDED, step], Go)
