"""Static files: named by content, so that browsers keep them, and compressed once."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

# What the pages load. The rest (interactive API documents, browsable API) is large and rarely
# read; compressing it would take most of the time of a first start.
COMPRESSED_FOLDERS = ("css/", "js/", "img/", "vendor/", "unfold/", "admin/", "django_rq/")
# Scripts of packages that no page loads; the import statements in their comments lead nowhere.
UNUSED_FOLDERS = ("django_htmx/",)
# A sheet of imports; browsers get the imported text in one file.
JOINED = "css/all.css"
_IMPORT = re.compile(r'@import url\("([\w-]+\.css)"\);\n')


class ProductStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Follows the imports of our ES modules, and compresses what the pages load."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], **options: Any) -> Iterator[Any]:
        """Rename and compress what the product uses."""
        used = {name: at for name, at in paths.items() if not name.startswith(UNUSED_FOLDERS)}
        if JOINED in used:
            used[JOINED] = (self._join(), JOINED)
        yield from super().post_process(used, **options)

    def _join(self) -> FileSystemStorage:
        """Put the imported sheets into the collected file; returns where it lies."""
        folder = Path(self.location)
        sheet = folder / JOINED
        joined = _IMPORT.sub(
            lambda found: (sheet.parent / found.group(1)).read_text(), sheet.read_text()
        )
        sheet.write_text(joined)
        return FileSystemStorage(location=folder)

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Compress the files of ``COMPRESSED_FOLDERS`` alone."""
        chosen = [path for path in paths if path.startswith(COMPRESSED_FOLDERS)]
        yield from super().compress_files(chosen)
