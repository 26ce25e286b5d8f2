"""The README's picture of the task inference explorer: `python -m tests.screenshot` takes it in a browser."""

import tempfile
from pathlib import Path

from tests import small_site
from tests.pages import chromium, opened_page

TARGET = small_site.SITE / "static" / "explorer.png"


def main() -> None:
    """Build one page, set the explorer to fifty tasks, and photograph it."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        cell = "from supsup_lite.explorers import TaskInference\nTaskInference(num_tasks=50, task=23, digit=6)"
        pages = small_site.build(Path(folder), {"index": ["# Explorer", cell]})
        with opened_page(browser, (pages / "index.html").as_uri(), device_scale_factor=1.5) as (page, _):
            explorer = page.locator(".supsup-explorer")
            explorer.wait_for()
            explorer.screenshot(path=TARGET)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
