"""The questions of the form, declared once: the form, the page, the files and REST use them."""

from apps.common.records.field_set import FieldSection, FieldSet
from apps.inventory.models import ProposedUseCase

UNKNOWN = "Unknown"

USE_CASE_FIELDS = FieldSet(
    model=ProposedUseCase,
    sections=(
        FieldSection("Use case", ("name", "purpose", "starts_on", "requests_per_month")),
        FieldSection(
            "People",
            (
                "users_affected",
                "affects_public",
                "decisions_about_people",
                "ai_act_area",
                "prohibited_practice",
                "interacts_with_people",
                "autonomy",
            ),
        ),
        FieldSection("Data", ("data_classification", "personal_data", "geography")),
        FieldSection("Model", ("model_text", "vendor_text", "model_access", "ai_act_role")),
        FieldSection("Contact", ("business_owner", "proposer_name", "proposer_email")),
    ),
    labels={
        "requests_per_month": "Expected requests per month",
        "affects_public": "Members of the public are affected",
        "decisions_about_people": "Decisions about people",
        "ai_act_area": "Area of use",
        "prohibited_practice": "Sensitive practices",
        "interacts_with_people": "Conversations or published content",
        "autonomy": "Human oversight",
        "data_classification": "Most sensitive data",
        "model_access": "Access to the model",
        "ai_act_role": "Role of the organisation under the AI Act",
        "proposer_name": "Your name",
        "proposer_email": "Your email address",
    },
    help_texts={
        "name": "For example: answers to questions about claims.",
        "purpose": "The task, the users, and what the output is used for.",
        "starts_on": "Leave empty if unknown.",
        "requests_per_month": "An estimate. Leave empty if unknown.",
        "users_affected": "People who use it or whom its output concerns. Leave empty if unknown.",
        "affects_public": "Customers, applicants, patients or other people outside of the "
        "organisation.",
        "decisions_about_people": "For example about a loan, a claim, a job or access to a "
        "service.",
        "ai_act_area": "Areas that Annex III of the EU AI Act names.",
        "prohibited_practice": "Manipulation, exploiting vulnerable people, social scoring, "
        "predicting crimes of a person, collecting images of faces from the internet, or reading "
        "emotions at work or in education.",
        "interacts_with_people": "People talk with it directly, or text, images or sound that it "
        "generates are published.",
        "geography": "Where it is used, separated by commas. Leave empty if unknown.",
        "model_text": "As you know it, such as a name or a product. Leave empty if unknown.",
        "vendor_text": "Who sells or hosts it. Leave empty if unknown.",
        "business_owner": "The person who answers for the use case.",
        "proposer_email": "For questions and the decision.",
    },
)
# answers of the person who proposes, not of the use case; hidden from those who only read lists
CONTACT_FIELDS = ("proposer_name", "proposer_email")
ANSWER_FIELDS = tuple(name for name in USE_CASE_FIELDS.names if name not in CONTACT_FIELDS)


def display_answer(use_case: ProposedUseCase, name: str) -> str:
    """Return an answer as text; "Unknown" if there is none."""
    value = getattr(use_case, name)
    if value is None or value == "":
        return UNKNOWN
    return USE_CASE_FIELDS.display(name, value)
