"""HealthChain, the framework a user would pick for CDS Hooks, in an environment of its own.

The handler loads its prefetch through the models that HealthChain brings and returns one card.
Nothing is stored: it has no history.
"""

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.patient import Patient
from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models.requests.cdsrequest import CDSRequest
from healthchain.models.responses.cdsresponse import Card, CDSResponse, IndicatorEnum, Source

hooks = CDSHooksService()


@hooks.hook("order-sign", id="bench", title="Benchmark")
def check(request: CDSRequest) -> CDSResponse:
    """Read everything, say one thing."""
    prefetch = dict(request.prefetch or {})
    Patient.model_validate(prefetch.pop("patient"))
    count = sum(len(Bundle.model_validate(value).entry or ()) for value in prefetch.values())
    card = Card(
        summary=f"{count} resources read",
        indicator=IndicatorEnum.info,
        source=Source(label="HealthChain"),
    )
    return CDSResponse(cards=[card])


app = HealthChainAPI()
app.register_service(hooks)
