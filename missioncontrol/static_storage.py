"""Static files: named by content, so that browsers keep them, and compressed once."""

from collections.abc import Iterable, Iterator
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

# What the pages load. The rest (interactive API documents, browsable API) is large and rarely
# read; compressing it would take most of the time of a first start.
COMPRESSED_FOLDERS = ("css/", "js/", "img/", "vendor/", "unfold/", "admin/", "django_rq/")
# Scripts of packages that no page loads; the import statements in their comments lead nowhere.
UNUSED_FOLDERS = ("django_htmx/",)


class ProductStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Follows the imports of our ES modules, and compresses what the pages load."""

    support_js_module_import_aggregation = True

    def post_process(self, paths: dict[str, Any], **options: Any) -> Iterator[Any]:
        """Rename and compress what the product uses."""
        used = {name: at for name, at in paths.items() if not name.startswith(UNUSED_FOLDERS)}
        yield from super().post_process(used, **options)

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Compress the files of ``COMPRESSED_FOLDERS`` alone."""
        chosen = [path for path in paths if path.startswith(COMPRESSED_FOLDERS)]
        yield from super().compress_files(chosen)
