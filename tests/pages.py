"""Pages in a browser: opened from a disk, at some width, and listened to."""

from contextlib import contextmanager

LOCAL = ("file:", "data:", "blob:")


@contextmanager
def opened_page(browser, url: str, width: int = 1280, scheme: str = "light", **options):
    """Open a page, and yield it with the list of what it complains about or asks the outside for."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **options)
    page, complaints = context.new_page(), []
    page.on("request", lambda request: request.url.startswith(LOCAL) or complaints.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url, wait_until="networkidle")
    yield page, complaints
    context.close()
