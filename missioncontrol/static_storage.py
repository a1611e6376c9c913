"""Static files: named by content, so that browsers keep them, and compressed once."""

from collections.abc import Iterable, Iterator
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

# What the product's pages load. The admin and the API documents are read rarely and mostly from
# near by; compressing them would take most of the time of a first start.
COMPRESSED_FOLDERS = ("css/", "js/", "img/", "vendor/")
# Files of packages that keep their names: they are many and large, and change with the release.
PLAIN_FOLDERS = ("drf_spectacular_sidecar/", "rest_framework/", "django_htmx/", "guardian/")


class ProductStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Follows the imports of our ES modules, and compresses what the pages load."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], **options: Any) -> Iterator[Any]:
        """Rename and compress what the pages load."""
        used = {name: at for name, at in paths.items() if not name.startswith(PLAIN_FOLDERS)}
        yield from super().post_process(used, **options)

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
