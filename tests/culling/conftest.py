import pytest
from shoots import Shoot


@pytest.fixture
def shoot(tmp_path) -> Shoot:
    return Shoot(tmp_path / "shoot")
