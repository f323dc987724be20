"""Secrets in URLs: which are refused in a spec, and that nothing shows them."""

from __future__ import annotations

import pytest

from offerkit.diagnostics import has_secret, is_secret, masked
from offerkit.plans.fields import field_changes, redacted_changes, without_secret

LIBPQ = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
OTHERS = (
    "PASSWORD",
    "p%61ssword",
    "p%2561ssword",
    "pass",
    "passwd",
    "pwd",
    "user_pass",
    "dbPassword",
    "token",
    "auth_token",
    "access_key",
    "accessKey",
    "AWS_SECRET_ACCESS_KEY",
    "aws_access_key_id",
    "X-Amz-Signature",
    "sig",
    "api-key",
    "credentials_json",
    "private_key",
    "passphrase",
    "jwt",
    "client%5Fsecret",
)


@pytest.mark.parametrize("name", LIBPQ + OTHERS)
@pytest.mark.parametrize(
    "form",
    [
        "postgresql://db/crm?{}=hush",
        "postgresql://db/crm?user=u&{}=hush",
        "postgresql://db?{}=hush&x=1",
        "postgresql:///crm?{}=&{}=hush",
        "postgresql://db/crm?x=1;{}=hush",
        "postgresql://db/crm#{}=hush",
        "mysql+pymysql://db/crm?{}=hush",
        "host=db {}=hush",
        "host=db {} = 'hush'",
        "postgresql://db/crm?{}=+hush",
        "postgresql://db/crm?options=-c%20x.{}%3Dhush",
        "POSTGRES://db/crm?{}=hush#x",
        "  postgresql://db?{}=hush",
    ],
)
def test_a_secret_in_an_option(name: str, form: str) -> None:
    url = form.replace("{}", name)
    assert has_secret(url)
    assert is_secret(name)
    assert "hush" not in masked(f'    source: {{format: sql, url: "{url}", table: t}}')


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hush@db/crm",
        "postgresql://u:hush@db1:1,db2:2/crm",
        "postgresql://:hush@db",
        "x://u:hu@sh@db/c",
        "postgresql://u:hu#sh@db/crm",
        "postgresql://u:hu?sh@db/crm",
        "postgresql://u:hu/sh@db/crm",
        "x://u%3Ahush@db/x",
        "postgresql://u:%20@db/crm",
        "postgresql://u:hush@[::1]/crm",
        "postgresql://u:hush@/crm",
        "x://u%3ahush@db/crm",
        "postgresql://db/crm?pass\tword=hush",
        "postgresql:/u:hush@db/crm",
        "postgresql:u:hush@db",
        "//u:hush@db/crm",
        "u:hush@db/crm",
        "postgresql:/u%3Ahush@db/crm",
        "postgresql://db%3Fpassword%3Dhush",
        "host=db password = hush",
    ],
)
def test_a_secret_before_the_host_or_in_disguise(url: str) -> None:
    assert has_secret(url)
    assert "hush" not in masked(f"      url: {url}")
    assert "hush" not in str(without_secret({"url": url}))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@db/crm",
        "postgresql://u:@db/crm",
        "postgresql://db:5432/crm",
        "postgresql:///crm?host=/run/pg",
        "postgresql://[::1]:5432/crm?application_name=a@b",
        "postgresql://db/crm?passfile=/etc/pgpass&sslkey=/etc/k.pem",
        "postgresql://db/crm?sslmode=verify-full&sslrootcert=/etc/ca.pem&keepalives=1&keepalives_idle=3&user=key",
        "postgresql://db/crm?target_session_attrs=any&require_auth=scram-sha-256&gssencmode=disable",
        "sqlite:///a@b.db",
        "postgresql://db/crm?password=",
        "postgresql://db/crm?password",
        "sqlite:///data/passwords.db",
        "sqlite://x/key.db",
        "postgresql://db/crm?options=-c%20search_path%3Dcrm",
        "postgresql://a,b:1/token",
        "cassandra://db/?keyspace=crm",
    ],
)
def test_no_secret(url: str) -> None:
    assert not has_secret(url)
    assert masked(url) == url or "[" in url  # a line of a file: rather too much than too little


@pytest.mark.parametrize("part", ["a", "://a:", "a=", "password", "=", " ", "@", "password= ", "%3a", "a:b@"])
def test_long_texts_are_looked_at_once(part: str) -> None:
    text = part * (200_000 // len(part))
    assert has_secret(text) == (part == "password= ")
    assert masked(text) == "***"


def test_a_secret_that_was_stored_once_is_not_shown_again() -> None:
    before = {"key": ["id"], "source": {"format": "sql", "table": "t", "url": "postgresql://db/crm?password=hush"}}
    for after in ({**before, "source": {**before["source"], "url": "postgresql://db/crm"}}, {"key": ["id"]}):  # type: ignore[dict-item]
        for one, other in ((before, after), (after, before)):
            changes = redacted_changes(field_changes(one, other))
            assert changes
            assert "hush" not in str(changes)
            assert "password=***" in str(changes)
            assert redacted_changes(changes) == changes
