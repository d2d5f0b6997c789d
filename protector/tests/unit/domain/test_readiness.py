# SPDX-License-Identifier: Apache-2.0
from protector.domain.readiness import Finding, Severity


def test_what_a_service_has_said_in_a_sentence_is_ended_once() -> None:
    said = Finding(Severity.ERROR, "site-b", "Nova of site-b: no version was found.", "Check it")
    assert said.text == "Nova of site-b: no version was found. Check it"
