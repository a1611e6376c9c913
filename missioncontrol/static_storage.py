"""Static files: named by content, so that browsers keep them, and compressed once."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

# What the product's pages load. The admin and the API documents are read rarely and mostly from
# near by; compressing them would take most of the time of a first start.
COMPRESSED_FOLDERS = ("css/", "js/", "img/", "vendor/")
# Files of packages that keep their names: they are many and large, and change with the release.
PLAIN_FOLDERS = ("drf_spectacular_sidecar/", "rest_framework/", "django_htmx/", "guardian/")
# A sheet of imports; browsers get the imported text in one file.
JOINED = "css/all.css"
_IMPORT = re.compile(r'@import url\("([\w-]+\.css)"\);\n')


class ProductStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Follows the imports of our ES modules, and compresses what the pages load."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], **options: Any) -> Iterator[Any]:
        """Rename and compress what the pages load."""
        used = {name: at for name, at in paths.items() if not name.startswith(PLAIN_FOLDERS)}
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

    def stored_name(self, name: str) -> str:
        """Return the name under which a file is served."""
        if name.startswith(PLAIN_FOLDERS):
            return name
        found: str = super().stored_name(name)
        return found

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Compress the files of ``COMPRESSED_FOLDERS`` alone."""
        chosen = [path for path in paths if path.startswith(COMPRESSED_FOLDERS)]
        yield from super().compress_files(chosen)
