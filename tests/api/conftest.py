import pytest
from rest_framework.test import APIClient

from tests.api.retailer import Retailer, make_retailer
from tests.builders import make_user
from tests.http import token_client
from tests.kept_worlds import kept_world


@pytest.fixture
@kept_world
def retailer(db: None) -> Retailer:
    return make_retailer()


@pytest.fixture
def sender(retailer: Retailer) -> APIClient:
    """The client of a program that may send documents for the retailer."""
    return token_client(retailer.editor, "intake")


@pytest.fixture
def about(retailer: Retailer) -> str:
    """The query of a document about the shop."""
    return f"?application={retailer.shop.slug}"


@pytest.fixture
def reader(db: None) -> APIClient:
    """The client of an auditor, whose token has been used before."""
    client = token_client(make_user(role="auditor"))
    client.get("/api/v1/teams/")
    return client
