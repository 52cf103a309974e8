#!/usr/bin/env python3
"""Packs the extension into ghostwright.vsix: a zip file with a manifest, as VS Code installs it.

The format is that of Open Packaging Conventions (ECMA-376) with VS Code's manifest; @vscode/vsce writes the same, and
brings 240 packages. The order and the times of the files are fixed, so that the same sources give the same bytes.
Uses the standard library only.
"""

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

HERE = Path(__file__).resolve().parent
SINGLE = ("package.json", "README.md", "CHANGELOG.md", "media/icon.png")
BUILT = ("out/extension.js", "out/client.js", "out/NOTICES.txt")
FOLDERS = ("images", "walkthrough")
TIME = (2026, 1, 1, 0, 0, 0)

TYPES = {
    ".json": "application/json", ".md": "text/markdown", ".js": "application/javascript", ".png": "image/png",
    ".txt": "text/plain", ".vsixmanifest": "text/xml",
}  # fmt: skip


def main() -> None:
    package = json.loads((HERE / "package.json").read_text())
    target = HERE / "ghostwright.vsix"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        add(archive, "extension.vsixmanifest", manifest(package).encode())
        add(archive, "[Content_Types].xml", content_types().encode())
        for name, path in files():
            add(archive, f"extension/{name}", path.read_bytes())
    sys.stdout.write(f"{target.name}: {target.stat().st_size:,} bytes\n")


def files() -> Iterator[tuple[str, Path]]:
    for name in SINGLE + BUILT:
        yield name, HERE / name
    yield "LICENSE.txt", HERE.parent / "LICENSE"
    for folder in FOLDERS:
        for path in sorted((HERE / folder).iterdir()):
            yield f"{folder}/{path.name}", path


def add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


def content_types() -> str:
    defaults = "".join(f'<Default Extension="{ending}" ContentType="{kind}"/>' for ending, kind in TYPES.items())
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<Types xmlns="{space}">{defaults}</Types>\n'


def manifest(package: dict) -> str:
    text = {name: escape(package[name]) for name in ("displayName", "description")}
    identity = " ".join(
        f"{name}={quoteattr(value)}"
        for name, value in (
            ("Language", "en-US"), ("Id", package["name"]), ("Version", package["version"]),
            ("Publisher", package["publisher"]),
        )
    )  # fmt: skip
    properties = {
        "Microsoft.VisualStudio.Code.Engine": package["engines"]["vscode"],
        "Microsoft.VisualStudio.Code.ExtensionKind": ",".join(package["extensionKind"]),
        "Microsoft.VisualStudio.Services.GitHubFlavoredMarkdown": "true",
    }
    assets = {
        "Microsoft.VisualStudio.Code.Manifest": "package.json",
        "Microsoft.VisualStudio.Services.Content.Details": "README.md",
        "Microsoft.VisualStudio.Services.Content.Changelog": "CHANGELOG.md",
        "Microsoft.VisualStudio.Services.Content.License": "LICENSE.txt",
        "Microsoft.VisualStudio.Services.Icons.Default": package["icon"],
    }
    return f"""<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity {identity}/>
    <DisplayName>{text["displayName"]}</DisplayName>
    <Description xml:space="preserve">{text["description"]}</Description>
    <Tags>{escape(",".join(package["keywords"]))}</Tags>
    <Categories>{escape(",".join(package["categories"]))}</Categories>
    <GalleryFlags>Public</GalleryFlags>
    <License>extension/LICENSE.txt</License>
    <Icon>extension/{package["icon"]}</Icon>
    <Properties>
{lines(f'<Property Id="{name}" Value={quoteattr(value)}/>' for name, value in properties.items())}
    </Properties>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code"/>
  </Installation>
  <Dependencies/>
  <Assets>
{lines(f'<Asset Type="{kind}" Path="extension/{path}" Addressable="true"/>' for kind, path in assets.items())}
  </Assets>
</PackageManifest>
"""


def lines(elements: Iterator[str]) -> str:
    return "\n".join(f"      {element}" for element in elements)


if __name__ == "__main__":
    main()
