"""From raw races to named findings: classify, judge, fold, word, fingerprint."""

from __future__ import annotations

from raceway.findings.build import Names as Names
from raceway.findings.build import build as build
from raceway.findings.build import in_order as in_order
from raceway.findings.complete import completed as completed
from raceway.findings.lockcycles import build_lock_cycles as build_lock_cycles
from raceway.findings.merge import merge as merge
from raceway.findings.merge import merge_findings as merge_findings
from raceway.findings.merge import merge_reports as merge_reports
from raceway.findings.strays import build_strays as build_strays
