"""A number that merely contains the country's code keeps all its digits."""

import pytest

from ground.mobile import normal_mobile


@pytest.mark.parametrize("number", ["13900000860", "13900861234", "15500868686", "18600868613"])
def test_digits_inside_a_number_are_no_country_code(number: str) -> None:
    assert normal_mobile(number) == number
    assert normal_mobile(f"+86 {number}") == number
    assert normal_mobile(f"0086{number}") == number
    assert normal_mobile(f"86-{number}") == number
