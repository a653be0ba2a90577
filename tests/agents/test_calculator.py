"""The calculator: right, and bounded whatever it is asked."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentos.agents.runtime import calculator
from agentos.agents.runtime.calculator import (
    DIGITS,
    OutOfBounds,
    add,
    divide,
    exponentiate,
    factorial,
    is_prime,
    multiply,
    square_root,
    subtract,
)

whole = st.integers(-(10**1100), 10**1100) | st.integers(-1000, 1000)
number = whole | st.floats() | st.booleans()


class TestCalculator:
    @pytest.mark.parametrize(
        ("got", "wanted"),
        [
            (add(2, 2), "4"),
            (add(0.1, 0.2), str(0.1 + 0.2)),
            (add(12345678901234567890, 1), "12345678901234567891"),
            (subtract(1, 3), "-2"),
            (multiply(17, 25), "425"),
            (divide(10, 4), "2.5"),
            (divide(10**30, 10**29), "10"),
            (exponentiate(2, 10), "1024"),
            (exponentiate(2, -1), "0.5"),
            (exponentiate(1, -1), "1"),
            (exponentiate(-8, 3), "-512"),
            (factorial(5), "120"),
            (is_prime(97), "97 is a prime"),
            (is_prime(561), "561 is not a prime"),
            (is_prime(2**61 - 1), f"{2**61 - 1} is a prime"),
            (is_prime(-7), "-7 is not a prime"),
            (square_root(144), "12"),
            (square_root(2), str(math.sqrt(2))),
        ],
    )
    def test_is_right(self, got: str, wanted: str) -> None:
        assert got == wanted

    @pytest.mark.parametrize(
        ("work", "says"),
        [
            (lambda: divide(1, 0), "zero"),
            (lambda: exponentiate(9, 10**9), "too large"),
            (lambda: exponentiate(9, -(10**9)), "too small"),
            (lambda: exponentiate(10.5, 10**6), "too large"),
            (lambda: exponentiate(0, -1), "Zero"),
            (lambda: exponentiate(-8, 0.5), "not a real number"),
            (lambda: factorial(10**9), "449"),
            (lambda: factorial(-1), "449"),
            (lambda: factorial(2.5), "whole number"),  # type: ignore[arg-type]
            (lambda: is_prime(10**400), "below"),
            (lambda: square_root(-1), "negative"),
            (lambda: add(float("nan"), 1), "finite"),
            (lambda: multiply(float("inf"), 0), "finite"),
            (lambda: add(10**2000, 1), "1000 digits"),
            (lambda: multiply(10**900, 10**900), "too large"),
            (lambda: add(True, 1), "not a number"),
            (lambda: add("7", 1), "not a number"),  # type: ignore[arg-type]
        ],
    )
    def test_says_what_it_cannot_do(self, work, says: str) -> None:
        with pytest.raises(OutOfBounds, match=says):
            work()

    @settings(max_examples=300, deadline=None)
    @given(function=st.sampled_from(calculator.FUNCTIONS), a=number, b=number)
    def test_answers_shortly_and_soon_whatever_it_is_asked(self, function, a, b) -> None:
        began = time.process_time()
        arguments = (a,) if function in {factorial, is_prime, square_root} else (a, b)
        try:
            answer = function(*arguments)
        except OutOfBounds as refusal:
            answer = str(refusal)
        assert len(answer) < 2 * DIGITS
        assert time.process_time() - began < 0.5

    @given(st.integers(-50, 5000))
    def test_knows_the_primes(self, n: int) -> None:
        prime = n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))
        assert is_prime(n) == f"{n} is {'' if prime else 'not '}a prime"
