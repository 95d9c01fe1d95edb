"""A search value as it is kept, and up to which block there are some."""

from app.domain.searching import SearchValue

COLUMNS = ("tenant", "patient", "type", "name", "value", "until", "system", "id", "version")
UP_TO = "UPDATE search_state SET sequence = ? WHERE id = 1"


def search_row(  # noqa: PLR0913  (the columns of the row)
    tenant: str, patient: str, type_: str, id_: str, version: int, value: SearchValue
) -> tuple[str | int, ...]:
    """A value as it is kept."""
    return (
        tenant,
        patient,
        type_,
        value.name,
        value.value,
        value.until,
        value.system,
        id_,
        version,
    )
