"""Of every kind, the least and the most that a resource can say."""

from __future__ import annotations

from typing import Any

from offerkit.address import Kind
from offerkit.models.base import Number

MINIMAL: dict[Kind, dict[str, Any]] = {
    Kind.DIMENSION: {"key": ["id"], "fields": {"id": {}}},
    Kind.OPERATOR: {"profile": "administrator"},
    Kind.ENVIRONMENT: {"dimension": "person"},
    Kind.SPACE: {"channel": "email", "fields": [{"name": "title"}]},
    Kind.FILTER: {"when": "person.age > 1"},
    Kind.RULE: {"max": 1},
    Kind.TYPOLOGY: {"rules": ["weekly"]},
    Kind.CATEGORY: {},
    Kind.TEMPLATE: {},
    Kind.OFFER: {"category": "bank"},
    Kind.CAMPAIGN: {},
    Kind.CASES: {"cases": {"x": {}}},
    Kind.POLICY: {"require": "offer.until is not null", "message": "It ends."},
    Kind.PROFILE: {},
    Kind.WEBHOOK: {"url": "https://hub.example.com/offers"},
}
N = Number
OFFER: dict[str, Any] = {
    "template": "plain",
    "eligible": {
        "from": "2026-01-01",
        "until": "2026-12-31",
        "when": "person.age > 1",
        "filters": [{"filter": "adults"}, {"filter": "rich", "with": {"amount": "1000"}}],
    },
    "weights": [
        {"weight": "10"},
        {"label": "summer", "formula": "person.age / 2", "from": "2026-06-01", "spaces": ["mail", "web"], "when": "x"},
        {"weight": "0.5", "dynamic": "hook"},
    ],
    "themes": ["a", "b"],
    "fields": {"margin": "0.25", "tags": ["u", "v"]},
    "content": {"title": "x", "html": "<p>"},
    "representations": {"web": {"title": "y"}},
    "spaces": ["mail", "web"],
    "reviewers": {"content": ["brand"], "eligibility": ["risk"]},
}
COMMON = {"label": "A label", "description": "Text", "protected": True}
FULL: dict[Kind, dict[str, Any]] = {
    Kind.DIMENSION: {
        "key": ["booking", "position"],
        "fields": {
            "booking": {"type": "integer", "label": "x", "range": {"min": "1", "max": "99"}, "examples": ["7", "44"]},
            "position": {"type": "enumeration", "values": ["a", "b"], "examples": ["b"]},
        },
        "source": {"format": "sql", "url_env": "DB", "table": "t"},
        "history": {"name": "h", "retention": "2d 6h"},
        "visitors": True,
    },
    Kind.OPERATOR: {
        "profile": "offer-manager",
        "email": "a@b.c",
        "enabled": False,
        "automation": True,
        "accounts": {"github": 1234, "gitlab": 99},
        "keys": [
            {
                "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEdrM7hFbb0geEZ3pF6UmpwkTKsE7ptE8Oa6Oex4nCPX",
                "from": "2026-01-01",
                "until": "2026-12-31",
            }
        ],
    },
    Kind.ENVIRONMENT: {
        "dimension": "person",
        "typology": "calm",
        "time_zone": "Europe/Paris",
        "anonymous": True,
        "filters": [{"filter": "adults"}],
        "when": "person.age > 1",
        "call_data": {
            "page": {"type": "enumeration", "values": ["a"], "sample": "a", "required": True},
            "departure": {"type": "date", "range": {"min": "2026-01-01"}, "examples": ["2026-02-04"]},
        },
        "offer_fields": {
            "margin": {"type": "decimal", "label": "x", "description": "y", "required": True, "range": {"min": "0"}},
            "grade": {"type": "enumeration", "values": ["a", "b"]},
        },
        "product_fields": {
            "city": {"label": "City", "sample": "Oslo"},
            "stars": {"type": "enumeration", "values": ["3", "4"]},
        },
        "contacts": {"readers": ["olga"]},
        "reviewers": {"settings": ["risk"]},
        "promotion": {
            "promoters": ["ada", "omar"],
            "stoppers": ["dora"],
            "separation_of_duties": True,
            "retention": "30d",
            "signatures": ["approvals", "promotions"],
            "anchors": ["file:anchors/offers.jsonl", "git", "https://anchors.example/offers"],
            "windows": [{"days": ["mon", "tue"], "from": "06:00", "until": "18:00"}],
            "freezes": [{"from": "2026-11-27", "until": "2026-11-30T06:00", "reason": "Black Friday"}],
        },
        "impact": {"max_lost": "2.5%"},
        "assets": "https://cdn.example/img/",
        "call_data_examples": {"winter": {"page": "/ski"}},
        "inbound": {
            "origins": ["https://www.bank.example"],
            "redirects": ["bank.example"],
            "contact_keys": "signed",
            "key_secret_env": "KEYS",
            "rate": 60,
        },
    },
    Kind.SPACE: {
        "channel": "inbound-web",
        "unitary": True,
        "fields": [{"name": "title", "label": "Title", "type": "html", "required": True}, {"name": "image_url"}],
        "render": {"html": "{{ title }}", "text": "t", "xml": "<x/>", "proposition": "<p/>"},
        "identification": {
            "keys": ["b", "a"],
            "implicit": True,
            "fallback": "guests/web",
            "anonymous_categories": ["a", "b"],
        },
        "defaults": {"categories": ["a/b"], "themes": ["t"]},
        "storage": {
            "enabled": False,
            "proposed": "generated",
            "accepted": "interested",
            "proposed_data": {"x": "1"},
            "accepted_data": {"y": "2"},
            "status_data": {"rejected": {"z": "3"}},
            "evidence": True,
            "evidence_retention": "30d",
        },
        "hooks": {"target_loading": "a", "post_processing": "b"},
    },
    Kind.FILTER: {
        "when": "person.age > parameter.years",
        "parameters": {"years": {"type": "integer", "label": "x", "default": "18"}},
    },
    Kind.RULE: {
        "enabled": False,
        "applies_to": {
            "offers": ["a", "b"],
            "categories": ["c", "d/e"],
            "themes": ["t", "u"],
            "when": "offer.code = 'x'",
        },
        "channel": "email",
        "contacts": "person.age > 1",
        "counted": {"of": "applies-to", "status": "rejected", "same_channel": True, "when": "proposition.weight > 1"},
        "period": {"before": "7d", "after": "6h"},
        "max": 2,
    },
    Kind.TYPOLOGY: {"rules": ["a", "b"]},
    Kind.CATEGORY: {
        "enabled": False,
        "eligible": {"from": "2026-01-01", "until": "2026-01-01", "when": "x"},
        "themes": ["a", "b"],
        "fields": {"margin": "0.5"},
        "multiplier": {"factor": "1.5", "from": "2026-12-01", "until": "2026-12-31"},
        "always_include": True,
    },
    Kind.TEMPLATE: OFFER,
    Kind.OFFER: {**OFFER, "category": "bank/cards", "code": "X-1", "enabled": False},
    Kind.CAMPAIGN: {
        "from": "2026-01-01",
        "until": "2026-02-01",
        "outlines": {"two": {"label": "x", "description": "y", "offers": ["b", "a"]}},
        "deliveries": {
            "a": {
                "label": "x",
                "space": "mail",
                "contact_date": "2026-01-02",
                "target": "x",
                "engine": {"categories": ["a"], "themes": ["t"], "count": 2},
                "exclude_recipients_with_too_few_offers": True,
                "show_nothing_where_missing": True,
            },
            "b": {"space": "mail", "offers": ["b", "a"]},
            "c": {"space": "mail", "outline": "two"},
            "d": {"space": "mail", "cells": [{"when": "x", "offer": "a"}]},
        },
    },
    Kind.CASES: {
        "activated": {"a": ["web"]},
        "cases": {"a is offered": {"space": "shop/web", "now": "2026-01-01", "expect": {"offers": ["a"], "out": {}}}},
    },
    Kind.PROFILE: {
        "extends": "offer-manager",
        "rights": [
            {"verb": "write", "kinds": ["rule", "typology"], "environments": ["shop"]},
            {"verb": "stop"},
        ],
    },
    Kind.WEBHOOK: {
        "url": "https://hub.example.com/offers",
        "events": ["approval.wanted", "offers.stopped"],
        "environments": ["shop"],
        "enabled": False,
    },
    Kind.POLICY: {
        "applies_to": ["category", "offer"],
        "require": "resource.label <> ''",
        "severity": "warn",
        "message": "It has a label.",
        "override": ["ann", "bob"],
    },
}
