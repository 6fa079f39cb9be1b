"""An identity provider of SAML that signs with xmlsec, and what attackers make of its responses."""

import base64
import copy
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
NAMES = {"saml": SAML, "samlp": PROTOCOL, "ds": SIGNATURE}
ISSUER = "https://idp.example.org/saml"
SIGN_ON_URL = "https://idp.example.org/sso"


@dataclass(frozen=True)
class Key:
    private: bytes
    certificate: bytes


def make_key() -> Key:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(datetime(2090, 1, 1))
        .sign(private, hashes.SHA256())
    )
    return Key(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate.public_bytes(serialization.Encoding.PEM),
    )


KEY, OTHER_KEY = make_key(), make_key()


def metadata(key: Key = KEY) -> bytes:
    body = key.certificate.decode().replace("-----BEGIN CERTIFICATE-----", "")
    body = body.replace("-----END CERTIFICATE-----", "").replace("\n", "")
    return f"""<md:EntityDescriptor xmlns:md="{METADATA}" entityID="{ISSUER}">
<md:IDPSSODescriptor protocolSupportEnumeration="{PROTOCOL}">
<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{SIGNATURE}"><ds:X509Data>
<ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
 Location="{SIGN_ON_URL}"/></md:IDPSSODescriptor></md:EntityDescriptor>""".encode()


def read_request(location: str) -> Any:
    """The AuthnRequest of a redirect."""
    [text] = parse_qs(urlsplit(location).query)["SAMLRequest"]
    return etree.fromstring(zlib.decompress(base64.b64decode(text), -15))


@dataclass
class Answer:
    """A response with one assertion; what is None is left out."""

    request_id: str | None
    acs_url: str
    audience: str | None
    name_id: str = "ada"
    name_id_format: str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    issuer: str = ISSUER
    recipient: str | None = ""
    destination: str | None = ""
    lasts: timedelta = timedelta(minutes=5)
    status: str = "Success"
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def document(self) -> Any:
        now = datetime.now(UTC)
        end = f"{now + self.lasts:%Y-%m-%dT%H:%M:%SZ}"
        begin = f"{now - timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}"
        recipient = self.acs_url if self.recipient == "" else self.recipient
        destination = self.acs_url if self.destination == "" else self.destination
        answers = f' InResponseTo="{self.request_id}"' if self.request_id else ""
        to = f' Recipient="{recipient}"' if recipient is not None else ""
        where = f' Destination="{destination}"' if destination is not None else ""
        audience = (
            f"<saml:AudienceRestriction><saml:Audience>{self.audience}</saml:Audience>"
            "</saml:AudienceRestriction>"
            if self.audience is not None
            else ""
        )
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in self.attributes.items()
        )
        statement = (
            f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement>" if attributes else ""
        )
        return etree.fromstring(
            f"""<samlp:Response xmlns:samlp="{PROTOCOL}" xmlns:saml="{SAML}" ID="_r1"
 Version="2.0" IssueInstant="{begin}"{where}{answers}><saml:Issuer>{self.issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode
 Value="urn:oasis:names:tc:SAML:2.0:status:{self.status}"/></samlp:Status>
<saml:Assertion ID="_a1" Version="2.0" IssueInstant="{begin}">
<saml:Issuer>{self.issuer}</saml:Issuer><saml:Subject>
<saml:NameID Format="{self.name_id_format}">{self.name_id}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData NotOnOrAfter="{end}"{to}{answers}/></saml:SubjectConfirmation>
</saml:Subject><saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}">{audience}
</saml:Conditions><saml:AuthnStatement AuthnInstant="{begin}"><saml:AuthnContext>
<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
</saml:AuthnContext></saml:AuthnStatement>{statement}</saml:Assertion></samlp:Response>"""
        )


def sign(element: Any, key: Key = KEY) -> Any:
    """Sign an element with an ID, in place; the signature follows its issuer."""
    signature = xmlsec.template.create(
        element, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256, ns="ds"
    )
    element.find(f"{{{SAML}}}Issuer").addnext(signature)
    reference = xmlsec.template.add_reference(
        signature, xmlsec.Transform.SHA256, uri=f"#{element.get('ID')}"
    )
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    xmlsec.tree.add_ids(element, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key.private, xmlsec.KeyFormat.PEM)
    context.key.load_cert_from_memory(key.certificate, xmlsec.KeyFormat.PEM)
    context.sign(signature)
    return element


def signed(answer: Answer, key: Key = KEY) -> Any:
    """The response with a signed assertion."""
    document = answer.document()
    sign(assertion_of(document), key)
    return document


def assertion_of(document: Any) -> Any:
    return document.find(f"{{{SAML}}}Assertion")


def encoded(document: Any) -> str:
    body = document if isinstance(document, bytes) else etree.tostring(document)
    return base64.b64encode(body).decode()


def _forged(document: Any) -> Any:
    """A copy of the assertion that names somebody else and has no signature."""
    forged = copy.deepcopy(assertion_of(document))
    forged.set("ID", "_evil")
    forged.remove(forged.find(f"{{{SIGNATURE}}}Signature"))
    forged.find(f".//{{{SAML}}}NameID").text = "root"
    return forged


def _forged_response(document: Any) -> Any:
    forged = copy.deepcopy(document)
    forged.set("ID", "_evil")
    signature = forged.find(f"{{{SIGNATURE}}}Signature")
    if signature is not None:
        forged.remove(signature)
    forged.find(f".//{{{SAML}}}NameID").text = "root"
    return forged


def _extensions(document: Any, inner: Any) -> None:
    extensions = etree.Element(f"{{{PROTOCOL}}}Extensions")
    extensions.append(inner)
    document.find(f"{{{SAML}}}Issuer").addnext(extensions)


def wrapped(answer: Answer, kind: int) -> Any:
    """The attacks XSW1 to XSW8 of "On Breaking SAML" (Somorovsky and others, USENIX Security
    2012): the signed element is moved, and a forged one is put where programs look."""
    if kind in {1, 2}:
        # the response is signed; a forged one encloses it, or stands around its signature
        document = answer.document()
        sign(document)
        original = copy.deepcopy(document)
        signature = original.find(f"{{{SIGNATURE}}}Signature")
        original.remove(signature)
        forged = _forged_response(document)
        if kind == 1:
            signature.append(original)
            forged.find(f"{{{SAML}}}Issuer").addnext(signature)
        else:
            forged.find(f"{{{SAML}}}Issuer").addnext(signature)
            signature.addprevious(original)
        return forged
    document = signed(answer)
    original, forged = assertion_of(document), _forged(document)
    signature = original.find(f"{{{SIGNATURE}}}Signature")
    match kind:
        case 3:
            original.addprevious(forged)
        case 4:
            document.replace(original, forged)
            forged.append(original)
        case 5:
            original.remove(signature)
            forged.insert(1, signature)
            document.append(original)
            original.addprevious(forged)
        case 6:
            original.remove(signature)
            document.replace(original, forged)
            forged.insert(1, signature)
            signature.append(original)
        case 7:
            document.replace(original, forged)
            _extensions(document, original)
        case 8:
            original.remove(signature)
            document.replace(original, forged)
            forged.insert(1, signature)
            holder = etree.SubElement(signature, f"{{{SIGNATURE}}}Object")
            holder.append(original)
    return document
