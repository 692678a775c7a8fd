import pytest

from orlop.registry.failure import RegistryFailure
from orlop.registry.joined import joined


def test_where_an_answer_sends_us() -> None:
    assert joined("https://r/v2/a", "/x?y=z") == "https://r/x?y=z"
    assert joined("https://r/v2/a", "https://other/x") == "https://other/x"


@pytest.mark.parametrize("target", ["http://[x", "https://[::1", "//[", "http://[nonsense]/"])
def test_an_address_that_is_none_is_the_registrys_failure(target: str) -> None:
    """It was a ValueError of Python's: an internal error, and a connection that stayed."""
    with pytest.raises(RegistryFailure, match="invalid address from the registry"):
        joined("https://r/v2/a", target)
