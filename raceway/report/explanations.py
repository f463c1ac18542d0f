"""What each kind of finding means: for `raceway explain`, the rules of SARIF and the HTML report.

`what` happened and `why` it matters are a sentence or two, `example` has the fault, `fixed` is the same without it.
"""

from __future__ import annotations

from raceway.model.kinds import FindingKind
from raceway.model.struct import Struct


class Explanation(Struct):
    """One kind, explained."""

    what: str
    why: str
    example: str
    fixed: str
    remedy: str


EXPLANATIONS: dict[FindingKind, Explanation] = {
    FindingKind.LOST_UPDATE: Explanation(
        what="A value is read, changed and written back, while another thread writes it in between.",
        why="The write puts back a value that was computed from the old one: the other thread's update is gone. "
        "`x += 1` is such a read and write. With a GIL it is one step only as long as no call, loop end or await lies "
        "between the two; on a free-threaded build it never is.",
        example="""\
            def deposit(self, amount):
                balance = self.balance        # two threads read 100 here,
                fee = self.bank.fee(amount)
                self.balance = balance + amount - fee   # and the second write wins""",
        fixed="""\
            def deposit(self, amount):
                fee = self.bank.fee(amount)
                with self.lock:
                    self.balance += amount - fee""",
        remedy="Hold one lock from the read to the write, in every place that writes the value; or let one thread own "
        "the value and send it the changes through a queue.",
    ),
    FindingKind.CHECK_THEN_ACT: Explanation(
        what="A condition on shared data is tested, and what is done then relies on the answer, which another thread "
        "can change in between.",
        why="The test and the act are each correct, but nothing holds them together: the seat that was free is taken "
        "twice, the key that was there is missing.",
        example="""\
            if user in self.sessions:        # another thread logs the user out
                self.sessions[user].touch()  # KeyError""",
        fixed="""\
            with self.lock:
                if user in self.sessions:
                    self.sessions[user].touch()""",
        remedy="Hold one lock around the test and the act; or use one operation that does both, such as "
        "dict.setdefault(), dict.pop(key, None) or queue.get_nowait() with its exception.",
    ),
    FindingKind.DOUBLE_INIT: Explanation(
        what="Two threads find something missing and both make it.",
        why="It is made twice, and one copy is lost together with what was done to it: connections stay open, callers "
        "hold different objects that should be one.",
        example="""\
            def connection(self):
                if self._connection is None:
                    self._connection = connect()     # twice, by two threads
                return self._connection""",
        fixed="""\
            def connection(self):
                with self._lock:
                    if self._connection is None:
                        self._connection = connect()
                    return self._connection""",
        remedy="Hold one lock around the test and the initialisation, make the object before the threads start, or use "
        "dict.setdefault() where a spare copy does no harm.",
    ),
    FindingKind.WRITE_WRITE: Explanation(
        what="Two threads write the same place, and nothing orders the writes.",
        why="Which value stays is luck, and may differ from run to run. Where several places belong together, halves "
        "of both writes can be mixed.",
        example="""\
            def report(self, status):
                self.status = status         # two workers
                self.reported_by = threading.current_thread().name""",
        fixed="""\
            def report(self, status):
                with self.lock:
                    self.status = status
                    self.reported_by = threading.current_thread().name""",
        remedy="Guard both writes with one lock, or let one thread own the place.",
    ),
    FindingKind.READ_WRITE: Explanation(
        what="One thread reads a place that another writes, and nothing orders the two.",
        why="The reader may see the old value, the new one, or an object that is not filled yet: its attributes are "
        "written after the reference to it.",
        example="""\
            self.config = Config()           # seen by the reader at once,
            self.config.load(path)           # filled too late""",
        fixed="""\
            config = Config()
            config.load(path)
            self.ready.put(config)           # queue.Queue: hands over all that was done before""",
        remedy="Guard both with one lock, or hand the value over through a queue, an Event or a Future.",
    ),
    FindingKind.ITERATION_MUTATION: Explanation(
        what="A container is changed while another thread iterates over it.",
        why="The loop raises RuntimeError (dict, set, deque), skips items or sees some twice (list). A copy is one "
        "step only with a GIL.",
        example="""\
            for client in self.clients:      # another thread: self.clients.remove(gone)
                client.send(message)""",
        fixed="""\
            with self.lock:
                clients = list(self.clients)
            for client in clients:
                client.send(message)""",
        remedy="Iterate over a copy that is made under the lock which guards the changes, or hold that lock for the "
        "whole loop. Between tasks of one event loop a copy needs no lock.",
    ),
    FindingKind.AWAIT_GAP: Explanation(
        what="A task reads shared data, awaits, and then writes what depends on the read; another task wrote it during "
        "the await.",
        why="Between two awaits a task is alone, but an await lets every other task run. What was read before it may "
        "be out of date after it, with any number of threads and on every interpreter.",
        example="""\
            if key not in cache:
                cache[key] = await fetch(key)    # the other task fetched it, too""",
        fixed="""\
            async with locks[key]:
                if key not in cache:
                    cache[key] = await fetch(key)""",
        remedy="Hold a lock for tasks across the await, read again after it, or move the await out of the region.",
    ),
    FindingKind.SPLIT_CRITICAL_SECTION: Explanation(
        what="A read and the write that depends on it are each made under the lock, but the lock is released in "
        "between.",
        why="Every access is guarded, so that no data race is left, and yet another thread can change the value "
        "between the two halves: the update is lost all the same.",
        example="""\
            with self.lock:
                count = self.count
            with self.lock:
                self.count = count + 1""",
        fixed="""\
            with self.lock:
                self.count += 1""",
        remedy="Hold the lock from the read to the write, in one block.",
    ),
    FindingKind.LOCK_ORDER_CYCLE: Explanation(
        what="Locks are taken in an order that goes round: one thread holds A and wants B, another holds B and wants "
        "A.",
        why="When all of them hold their first lock at once, none can go on: a deadlock. It takes an unlucky moment, "
        "so tests pass and production hangs.",
        example="""\
            def transfer(source, target, amount):
                with source.lock, target.lock:  # elsewhere: transfer(target, source)
                    ...""",
        fixed="""\
            def transfer(source, target, amount):
                first, second = sorted((source, target), key=number)
                with first.lock, second.lock:
                    ...""",
        remedy="Take the locks in one order everywhere, or one lock around them all; do not call out while holding "
        "one.",
    ),
    FindingKind.WRONG_THREAD: Explanation(
        what="An object that belongs to an event loop is used from another thread without a thread-safe call.",
        why="Futures, tasks and asyncio queues are not safe to use from other threads: the loop may not wake up, and "
        "its own state can be broken.",
        example="""\
            def on_message(message):             # runs on a thread of the client library
                future.set_result(message)""",
        fixed="""\
            def on_message(message):
                loop.call_soon_threadsafe(future.set_result, message)""",
        remedy="Use loop.call_soon_threadsafe() or asyncio.run_coroutine_threadsafe().",
    ),
}
"""Every kind has one; a test holds it."""
