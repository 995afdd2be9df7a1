"""Sidecars as photo programs write them, shortened, and some that strain the rules. {rating} is filled in."""

from rgnet.xmp.packet import Packet
from rgnet.xmp.sidecar import apply, plan_rating, plan_undo

MODEL = 'compact & "small" 0123456789ab'
JPEG = b"\xff\xd8\xff\xe1 no picture \xff\xd9"

LIGHTROOM = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000 1.000000, 0000/00/00-00:00:00        ">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmp:CreatorTool="Adobe Photoshop Lightroom Classic 12.3 (Macintosh)"
   xmp:ModifyDate="2023-05-14T18:02:11.24"{attribute}
   photoshop:SidecarForExtension="{extension}"
   crs:ToneCurveName2012="Linear &amp; &quot;flat&quot;"
   crs:HasSettings="True">
   <dc:subject>
    <rdf:Bag>
     <rdf:li>coast &lt;north&gt;</rdf:li>
     <rdf:li>évening 日</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <dc:description>
    <rdf:Alt>
     <rdf:li xml:lang="x-default">The pier&#xA;at dusk</rdf:li>
     <rdf:li xml:lang="de-DE">Der Steg</rdf:li>
    </rdf:Alt>
   </dc:description>
   <xmpMM:History>
    <rdf:Seq>
     <rdf:li
      stEvt:action="saved"
      stEvt:when="2023-05-14T18:02:11+02:00"
      stEvt:changed="/metadata"/>
    </rdf:Seq>
   </xmpMM:History>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

DARKTABLE = """\
<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:darktable="http://darktable.sf.net/"
   exif:DateTimeOriginal="2021:08:29 07:11:05.000"{attribute}
   xmpMM:DerivedFrom="IMG_0042.jpg"
   darktable:xmp_version="5"
   darktable:auto_presets_applied="1"
   darktable:iop_order_version="2">
   <darktable:masks_history>
    <rdf:Seq/>
   </darktable:masks_history>
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:operation="exposure"
      darktable:enabled="1"
      darktable:params="gz02eJxjYGBgYAFiCQYYOOHEgAZYQUIAmbkEiw=="/>
    </rdf:Seq>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

# A byte order mark twice over: of the file, and in the wrapper as XMP wants it
DIGIKAM = """\
\ufeff<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <!-- tags of the archive -->
  <rdf:Description rdf:about=""
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    digiKam:PickLabel="0">
   <digiKam:TagsList><rdf:Seq><rdf:li>People/Ünal</rdf:li></rdf:Seq></digiKam:TagsList>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">{element}
   <xmp:CreatorTool>digiKam-7.9.0</xmp:CreatorTool>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
                                                                                
<?xpacket end="w"?>"""

# As ExifTool does: single quotes, a block a namespace; here the prefix is another one, and rdf:about is not empty
EXIFTOOL = """\
<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>
<x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='Image::ExifTool 12.57'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>

 <rdf:Description rdf:about='uuid:faf5bdd5-ba3d-11da-ad31-d33d75182f1b'
  xmlns:basic='http://ns.adobe.com/xap/1.0/'>{element}
  <basic:Label><![CDATA[a > b, <xmp:Rating>9</xmp:Rating>]]></basic:Label>
 </rdf:Description>

 <rdf:Description rdf:about='uuid:faf5bdd5-ba3d-11da-ad31-d33d75182f1b'
  xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Software = 'x "1" > y'>
  <tiff:Orientation>1</tiff:Orientation>
 </rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end='w'?>"""


def lightroom(rating=None, extension="JPG"):
    attribute = "" if rating is None else f'\n   xmp:Rating="{rating}"'
    return LIGHTROOM.format(attribute=attribute, extension=extension).encode()


def darktable(rating=None):
    return DARKTABLE.format(attribute="" if rating is None else f'\n   xmp:Rating="{rating}"').encode()


def digikam(rating=None):
    return DIGIKAM.format(
        element="" if rating is None else f"\n   <xmp:Rating>{rating}</xmp:Rating>"
    ).encode()


def exiftool(rating=None):
    element = "" if rating is None else f"\n  <basic:Rating>{rating}</basic:Rating>"
    return EXIFTOOL.format(element=element).encode()


def windows(rating=None):
    return lightroom(rating).replace(b"\n", b"\r\n")


def wide(rating=None):
    return darktable(rating).decode().replace('"UTF-8"', '"UTF-16"').encode("utf-16")


def one_line(rating=None):
    return b"".join(line.strip() + b" " for line in lightroom(rating).splitlines())


PROGRAMS = [lightroom, darktable, digikam, exiftool, windows, wide, one_line]


def rate(photo, stars, **options):
    change = plan_rating(photo, stars, model=MODEL, **options)
    apply(change)
    return change


def undo(photo):
    changes = plan_undo(photo)
    for change in changes:
        apply(change)
    return [change.action for change in changes]


def rating(path):
    return Packet(path.read_bytes(), path.name).rating
