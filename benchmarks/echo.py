"""The floor: a bare FastAPI route, ``Request -> Response``, that echoes the bytes it was sent."""

from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.post("/echo")
async def echo(request: Request) -> Response:
    """The same bytes back."""
    return Response(await request.body(), media_type="application/fhir+json")


@app.get("/healthz")
async def healthz() -> Response:
    """For the time until a first 200."""
    return Response(b"")
