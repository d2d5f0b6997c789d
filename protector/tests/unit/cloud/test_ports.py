# SPDX-License-Identifier: Apache-2.0
import openstack.exceptions
import pytest
import requests

from protector.cloud import ports


def refusal(body: bytes, status: int = 400) -> openstack.exceptions.HttpException:
    answer = requests.Response()
    answer.status_code, answer._content = status, body
    return openstack.exceptions.HttpException("refused", response=answer, http_status=status)


def test_an_address_that_is_taken_can_be_given_up() -> None:
    body = b'{"NeutronError": {"type": "IpAddressAlreadyAllocated", "message": "taken"}}'
    assert ports._refused(refusal(body, 409), {"fixed_ips": []}) == "fixed_ips"


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"{}", b'{"NeutronError": "no"}', b"[]"],
    ids=["page", "nothing", "sentence", "list"],
)
def test_an_answer_that_is_not_neutrons_is_a_refusal_like_any_other(body: bytes) -> None:
    assert ports._refused(refusal(body), {"fixed_ips": []}) is None
