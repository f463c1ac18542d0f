"""The pages of the board."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from benchmarks.programs.board.database import connection, disconnect
from benchmarks.programs.board.readers import Readers

LENGTH = 20


def add_pages(app: Flask, path: Path, readers: Readers) -> None:
    """Register all pages."""

    @app.after_request
    def end(response: Response) -> Response:
        readers.asked()
        return response

    @app.teardown_request
    def close(_error: BaseException | None) -> None:
        disconnect()

    @app.get("/messages")
    def messages() -> str:
        start = int(request.args.get("start", "0"))
        query = "SELECT * FROM messages ORDER BY number DESC LIMIT ? OFFSET ?"
        found = connection(path).execute(query, (LENGTH, start)).fetchall()
        often, latest = readers.sidebar()
        return render_template("messages.html", messages=found, often=often, latest=latest)

    @app.post("/messages")
    def write() -> Answer:
        database = connection(path)
        form = request.form
        values = form["author"], form["title"], form["text"]
        written = database.execute("INSERT INTO messages (author, title, text) VALUES (?, ?, ?)", values)
        database.commit()
        return redirect(f"/messages/{written.lastrowid}", 303)

    @app.get("/messages/<int:number>")
    def message(number: int) -> str:
        found = connection(path).execute("SELECT * FROM messages WHERE number = ?", (number,)).fetchone()
        if found is None:
            abort(404)
        readers.read(number)
        often, latest = readers.sidebar()
        return render_template("message.html", message=found, often=often, latest=latest)

    @app.get("/authors/<name>")
    def author(name: str) -> str:
        query = "SELECT * FROM messages WHERE author = ? ORDER BY number DESC LIMIT ?"
        found = connection(path).execute(query, (name, LENGTH)).fetchall()
        often, latest = readers.sidebar()
        return render_template("messages.html", messages=found, often=often, latest=latest)
