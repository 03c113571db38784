import xml.etree.ElementTree as ET
from xml.dom import minidom

import defusedxml.ElementTree
from lxml import etree


def read(text):
    # ruleid: xml-entities
    first = ET.fromstring(text)
    # ruleid: xml-entities
    second = minidom.parseString(text)
    # ruleid: xml-entities
    third = etree.XMLParser(resolve_entities=True)
    # ok: xml-entities
    ET.Element("root")
    # ok: xml-entities
    return defusedxml.ElementTree.fromstring(text), first, second, third
