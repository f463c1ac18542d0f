"""From raw races to named findings: classify, judge, fold, word, fingerprint."""

from __future__ import annotations

from raceway.findings.build import Names as Names
from raceway.findings.build import build as build
from raceway.findings.merge import merge as merge
from raceway.findings.merge import merge_reports as merge_reports
