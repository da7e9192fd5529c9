"""The sign-in page: plain HTML, so that nothing else is served before sign-in."""

from html import escape
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

BODY_LIMIT = 4096  # bytes of a sign-in request


def sign_in_page(
    title: str,
    target: str,
    error: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """Render the sign-in page.

    Args:
        title: The page's title.
        target: The page to open after sign-in, see `local_target`.
        error: Why the last attempt failed.
        status: HTTP status.
        headers: Further headers.
    """
    alarm = f'<p role="alert">{escape(error)}</p>' if error else ""
    page = FORM.format(title=escape(title), target=escape(target), error=alarm)
    return HTMLResponse(page, status, headers)


async def parse_sign_in(request: Request) -> tuple[str, str]:
    """The submitted password and target page; an oversized request counts as empty."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT:
            return "", "/"
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return form.get("password", [""])[0], local_target(form.get("next", ["/"])[0])


def local_target(target: str) -> str:
    """The target page if it is a review page on this server, else the start page."""
    return target if target.startswith("/?") and target.isprintable() else "/"


FORM = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center;
  min-height: 100vh; margin: 0; background: light-dark(#f3f4f6, #16181b); }}
form {{ display: grid; gap: 12px; width: min(22rem, 100vw - 4rem); padding: 2rem;
  border-radius: 12px; background: light-dark(#fff, #202327);
  box-shadow: 0 1px 4px rgb(0 0 0 / .2); }}
h1 {{ font-size: 1.25rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }}
input, button {{ font: inherit; padding: .6rem .8rem; border-radius: 8px;
  border: 1px solid light-dark(#767b84, #868c96); }}
button {{ background: #0b5cad; border-color: #0b5cad; color: #fff; cursor: pointer; }}
:focus-visible {{ outline: 3px solid light-dark(#0b5cad, #7cc0ff); outline-offset: 2px; }}
p {{ margin: 0; color: light-dark(#b3261e, #ff9c94); }}
</style></head><body>
<form method="post" action="/login">
<h1>{title}</h1>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 required autofocus>
<input type="hidden" name="next" value="{target}">
{error}
<button type="submit">Sign in</button>
</form></body></html>
"""
