"""Apps that helpdesks want uploaded: filled in for one connection, packed, and checked offline."""

from webhooks.manifests.package import BadPackage, Finding, Package, app_of, names

__all__ = ["BadPackage", "Finding", "Package", "app_of", "names"]
