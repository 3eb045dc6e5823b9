"""XML that came from outside, parsed without what XML can do beyond data: no document types, no entities."""

from __future__ import annotations

import re
from xml.etree import ElementTree

Element = ElementTree.Element
DOCTYPE = re.compile(r"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def parse_xml(text: str) -> Element:
    """Raises ValueError for text that is no XML, or that declares a document type or entities."""
    if DOCTYPE.search(text):
        raise ValueError("it declares a document type, which no Neware file does")
    try:
        return ElementTree.fromstring(DECLARATION.sub("", text, count=1))
    except ElementTree.ParseError as error:
        raise ValueError(f"it is no XML ({error})") from error
