"""Threaded web applications under load from a second process: requests per second, plainly and under Raceway.

Only the project's code is watched, Flask and werkzeug are not, as by default. The board has a database and templates,
as most applications do: few accesses, but many calls of primitives that have models. The shop keeps all in memory: of
what a request does, more is shared state than in most.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import msgspec

from benchmarks.options import Bench
from benchmarks.processes import ROOT, BenchmarkError, Machinery, Measured, environment, execute, parse
from benchmarks.results import Bar, Result, Table, at_least, figure
from benchmarks.rounds import PLAIN, RACEWAY, Samples, interleave, median, peak_mb, ratio, spread

SECONDS = {"tiny": 0.2, "small": 1.0, "full": 3.0}
SERVERS = {"a pool of threads": ("--pool",), "a thread per request": ()}
APPLICATIONS = ("board", "shop")

COLUMNS = (
    "application, server",
    "plain requests/s",
    "raceway requests/s",
    "ratio",
    "least-most",
    "plain ms CPU/request",
    "raceway ms CPU/request",
    "load's share of a core",
    "ratio of MB",
    "accesses",
    "sites",
    "findings",
)


def run(bench: Bench) -> Result:
    """Measure."""
    for application in APPLICATIONS:
        bench.machinery.raceway(module(application), "--dry")
    samples = {
        f"{application}, {server}": measure(bench, application, server)
        for application in APPLICATIONS
        for server in SERVERS
    }
    bars = [at_least(f"requests/s, {name}", ratio(each, per_s), 0.95, " of plain") for name, each in samples.items()]
    false = sum(one.counts.error + one.counts.warning for each in samples.values() for one in each[RACEWAY])
    bars.append(Bar("findings in the web applications, which have no races", str(false), "0", false == 0))
    return Result("web", tuple(bars), (Table(COLUMNS, tuple(row(name, each) for name, each in samples.items())),))


def module(application: str) -> str:
    """Its name."""
    return f"benchmarks.programs.{application}.app"


def measure(bench: Bench, application: str, server: str) -> Samples:
    """One application on one sort of server."""
    seconds, name, arguments = SECONDS[bench.size], f"{application}, {server}", SERVERS[server]
    samples = interleave(
        {
            PLAIN: lambda: serve([sys.executable, "-m", module(application), *arguments], application, seconds),
            RACEWAY: lambda: serve_watched(bench.machinery, arguments, application, seconds),
        },
        bench.rounds,
        lambda text: bench.say(f"{name}: {text}"),
    )
    bench.said(f"{name}: {figure(ratio(samples, per_s))} of plain requests/s")
    return samples


def serve_watched(machinery: Machinery, arguments: Sequence[str], application: str, seconds: float) -> Measured:
    """The same under Raceway."""
    machinery.report_file.unlink(missing_ok=True)
    measured = serve([*machinery.raceway_command(), "-m", module(application), *arguments], application, seconds)
    return msgspec.structs.replace(measured, counts=machinery.report().summary)


def serve(command: Sequence[str], application: str, seconds: float) -> Measured:
    """Start the server, send the load, end the server by closing its input."""
    pipe = subprocess.PIPE
    server = subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        if not port:
            raise BenchmarkError(f"the server did not start\n{server.communicate()[1]}")
        load = [sys.executable, "-m", "benchmarks.load", port, "--of", application, "--seconds", str(seconds)]
        loaded = parse(execute(load, timeout=120))
        output, errors = server.communicate(timeout=120)
    finally:
        server.kill()
        server.wait()
    if server.returncode or loaded.values["refused"]:
        raise BenchmarkError(f"the server ended with {server.returncode}\n{errors}")
    served = parse(output)
    return msgspec.structs.replace(served, values={**served.values, **loaded.values})


def per_s(measured: Measured) -> float:
    """Requests per second, as the load counts them."""
    return float(measured.values["per_s"])


def cpu_per_request_ms(measured: Measured) -> float:
    """CPU time of the server."""
    return 1000 * measured.cpu_s / int(measured.values["requests"])


def load_cpu(measured: Measured) -> float:
    """How much of a core the load took: near 1, it would be what is measured."""
    return float(measured.values["load_cpu"])


def row(name: str, samples: Samples) -> tuple[str, ...]:
    """The row of one sort of server."""
    least, most = spread(samples, per_s)
    counts = samples[RACEWAY][-1].counts
    return (
        name,
        f"{median(samples[PLAIN], per_s):,.0f}",
        f"{median(samples[RACEWAY], per_s):,.0f}",
        figure(ratio(samples, per_s)),
        f"{least:.2f}-{most:.2f}",
        f"{median(samples[PLAIN], cpu_per_request_ms):.3f}",
        f"{median(samples[RACEWAY], cpu_per_request_ms):.3f}",
        figure(median(samples[PLAIN], load_cpu)),
        figure(ratio(samples, peak_mb)),
        f"{counts.accesses:,}",
        f"{counts.sites:,}",
        str(counts.error + counts.warning),
    )
