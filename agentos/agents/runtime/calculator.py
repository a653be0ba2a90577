"""Arithmetic in which no call can burn time or memory: every number that goes in or comes out has a bound."""

import math
from collections.abc import Callable

Number = int | float

DIGITS = 1000  # of a whole number, in or out
LARGEST = 10**DIGITS
LARGEST_FACTORIAL = 449  # 450! has more digits than that
LARGEST_PRIME = 3_317_044_064_679_887_385_961_981  # below it, these witnesses prove a prime
WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)


class OutOfBounds(ValueError):
    """The text says what was wrong; the model and the user read it."""


def add(a: Number, b: Number) -> str:
    """Add two numbers: a + b."""
    return _answer(lambda: _number(a) + _number(b))


def subtract(a: Number, b: Number) -> str:
    """Subtract the second number from the first: a - b."""
    return _answer(lambda: _number(a) - _number(b))


def multiply(a: Number, b: Number) -> str:
    """Multiply two numbers: a * b."""
    return _answer(lambda: _number(a) * _number(b))


def divide(a: Number, b: Number) -> str:
    """Divide the first number by the second: a / b."""
    if _number(b) == 0:
        raise OutOfBounds("Division by zero has no result.")
    return _answer(lambda: _quotient(_number(a), _number(b)))


def exponentiate(a: Number, b: Number) -> str:
    """Raise the first number to the power of the second: a ** b."""
    return _answer(lambda: _power(_number(a), _number(b)))


def factorial(n: int) -> str:
    """Return the factorial of a whole number: n!"""
    whole = _whole(n)
    if not 0 <= whole <= LARGEST_FACTORIAL:
        raise OutOfBounds(f"The factorial is known for whole numbers from 0 to {LARGEST_FACTORIAL}.")
    return str(math.factorial(whole))


def is_prime(n: int) -> str:
    """Tell whether a whole number is a prime."""
    whole = _whole(n)
    if whole >= LARGEST_PRIME:
        raise OutOfBounds(f"Only numbers below {LARGEST_PRIME} can be tested.")
    return f"{whole} is {'' if _prime(whole) else 'not '}a prime"


def square_root(n: Number) -> str:
    """Return the square root of a number that is not negative."""
    number = _number(n)
    if number < 0:
        raise OutOfBounds("A negative number has no real square root.")
    return _answer(lambda: _root(number))


FUNCTIONS: tuple[Callable[..., str], ...] = (add, subtract, multiply, divide, exponentiate, factorial, is_prime, square_root)


def _number(value: Number) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OutOfBounds(f"{str(value)[:40]!r} is not a number.")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise OutOfBounds("A number must be finite.")
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if abs(value) >= LARGEST:
        raise OutOfBounds(f"A number can have {DIGITS} digits.")
    return value


def _whole(value: Number) -> int:
    number = _number(value)
    if not isinstance(number, int):
        raise OutOfBounds("This needs a whole number.")
    return number


def _answer(work: Callable[[], Number]) -> str:
    try:
        result = work()
    except OverflowError:
        raise OutOfBounds("The result is too large.") from None
    if isinstance(result, complex):
        raise OutOfBounds("The result is not a real number.")
    if (isinstance(result, float) and not math.isfinite(result)) or abs(result) >= LARGEST:
        raise OutOfBounds("The result is too large.")
    return str(_number(result))


def _quotient(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return a // b
    return a / b


def _power(a: Number, b: Number) -> Number:
    if a == 0 and b < 0:
        raise OutOfBounds("Zero has no negative power.")
    if isinstance(a, int) and isinstance(b, int) and abs(a) > 1:
        if abs(b) * math.log10(abs(a)) > DIGITS + 1:
            raise OutOfBounds("The result is too large." if b > 0 else "The result is too small.")
        if b < 0:
            return _quotient(1, a ** abs(b))
    result: Number = a**b
    return result


def _root(number: Number) -> Number:
    if isinstance(number, int) and math.isqrt(number) ** 2 == number:
        return math.isqrt(number)
    return math.sqrt(number)


def _prime(n: int) -> bool:
    """Miller and Rabin's test, which proves below LARGEST_PRIME."""
    if n <= 1:
        return False
    if any(n % small == 0 for small in WITNESSES):
        return n in WITNESSES
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_passes(pow(witness, odd, n), n, twos) for witness in WITNESSES)


def _passes(x: int, n: int, twos: int) -> bool:
    if x in {1, n - 1}:
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False
