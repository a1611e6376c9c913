"""Gateways themselves: list, add, read, change, remove, check, pair (core specification 16.2)."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from gateways import actions, services, targets
from gateways.api import arrival, schemas, shapes
from gateways.models import Gateway
from missioncontrol.kernel.actors import UserActor
from missioncontrol.kernel.api import ApiView, done, ok, operation
from missioncontrol.kernel.authz import authorize
from missioncontrol.kernel.errors import Forbidden, Invalid, NotFound

TAGS = ("gateways",)
_TRUE, _FALSE = ("1", "true", "yes"), ("0", "false", "no")


def admin_organization(user: UserActor, organization_id: UUID | None = None) -> UUID:
    """The organization of a list or creation, if the person is its admin.

    Raises:
        NotFound: none, or not a member.
        Forbidden: a member without the role.
    """
    wanted = organization_id or user.organization_id
    if wanted is None or user.role_in(wanted) is None:
        raise NotFound
    if not user.is_admin_in(wanted):
        raise Forbidden(_("Gateways are kept by admins of the organization."))
    return wanted


def seen_gateway(user: UserActor, gateway_id: UUID) -> Gateway:
    """A gateway that an admin may look at."""
    gateway: Gateway = Gateway.objects.seen_by(user, gateway_id)
    authorize(user, actions.VIEW, gateway)
    return gateway


def flag(request: Request, name: str) -> bool | None:
    """A yes or no of the query string.

    Raises:
        Invalid: another word.
    """
    raw = request.GET.get(name)
    if raw is None:
        return None
    if raw.lower() not in (*_TRUE, *_FALSE):
        raise Invalid(_("%(name)s is true or false.") % {"name": name}, field=name)
    return raw.lower() in _TRUE


def rows_of(rows: QuerySet[Any], fields: tuple[str, ...]) -> QuerySet[Any]:
    """Rows without the sealed token, only whether there is one."""
    has_token = ExpressionWrapper(~Q(token_sealed=""), output_field=BooleanField())
    found: QuerySet[Any] = rows.annotate(has_token_=has_token).values(*fields, "has_token_")
    return found


def answer_one(pk: UUID, *, location: str | None = None) -> Response:
    """A gateway as it stands now."""
    row = rows_of(Gateway.objects.filter(pk=pk), shapes.DETAIL_FIELDS).get()
    return ok(shapes.detail(row), version=row["version"], location=location)


class GatewayListView(ApiView):
    """The organization's gateways."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(tags=TAGS, summary="Gateways, newest first", response=schemas.GatewayPage)
    def get(self, request: Request) -> Response:
        """List."""
        rows = Gateway.objects.visible_to(self.user).filter(
            organization_id=admin_organization(self.user)
        )
        ordered = rows_of(rows, shapes.FIELDS).order_by("-created_at", "-id")
        return self.listing(ordered, shapes.gateway)

    @operation(
        tags=TAGS,
        summary="Add a gateway; verify=true refuses one that cannot be used",
        request=schemas.GatewayIn,
        response=schemas.GatewayDetail,
    )
    def post(self, request: Request) -> Response:
        """Create. ``verify`` defaults to true under /api/v1 and to false under /api.

        A verified one is answered when its own agent is set up, after 20 s at most; ``wait`` says
        otherwise.
        """
        body = self.read(schemas.GatewayIn)
        verify = flag(request, "verify")
        verify = body.verify if verify is None else verify
        verify = self.is_v1() if verify is None else verify
        wait = flag(request, "wait")
        fields = body.model_dump(exclude={"organization_id", "verify"})
        gateway = services.create_gateway(
            self.user, admin_organization(self.user, body.organization_id), verify=verify, **fields
        )
        if verify if wait is None else wait:
            arrival.wait_for(gateway.pk)
        return answer_one(gateway.pk, location=f"{request.path.rstrip('/')}/{gateway.pk}")


class GatewayView(ApiView):
    """One gateway."""

    @operation(tags=TAGS, summary="A gateway", response=schemas.GatewayDetail)
    def get(self, request: Request, gateway_id: UUID) -> Response:
        """Read."""
        return answer_one(seen_gateway(self.user, gateway_id).pk)

    @operation(
        tags=TAGS,
        summary="Change a gateway",
        request=schemas.GatewayPatch,
        response=schemas.GatewayDetail,
    )
    def patch(self, request: Request, gateway_id: UUID) -> Response:
        """Change what is given."""
        gateway = services.update_gateway(
            self.user,
            gateway_id,
            changes=self.read(schemas.GatewayPatch).given(),
            expected_version=self.expected_version(),
        )
        return answer_one(gateway.pk)

    @operation(tags=TAGS, summary="Remove a gateway; force detaches its boards")
    def delete(self, request: Request, gateway_id: UUID) -> Response:
        """Remove."""
        services.delete_gateway(self.user, gateway_id, force=bool(flag(request, "force")))
        return done()


class GatewayCheckView(ApiView):
    """The connection doctor."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(tags=TAGS, summary="Run the connection doctor now", response=schemas.GatewayDetail)
    def post(self, request: Request, gateway_id: UUID) -> Response:
        """Check."""
        return answer_one(services.check_gateway(self.user, gateway_id).pk)


class GatewayPairingView(ApiView):
    """Our device at the gateway."""

    waits_for_gateway: ClassVar[bool] = True

    @operation(
        tags=TAGS,
        summary="Device, state and the command to approve it",
        response=schemas.PairingOut,
    )
    def get(self, request: Request, gateway_id: UUID) -> Response:
        """Read."""
        gateway = seen_gateway(self.user, gateway_id)
        return ok(shapes.pairing(gateway, targets.identity_row(gateway)))

    @operation(
        tags=TAGS, summary="Try again after the device was approved", response=schemas.PairingOut
    )
    def post(self, request: Request, gateway_id: UUID) -> Response:
        """Connect anew; the link does the same."""
        gateway = services.check_gateway(self.user, gateway_id)
        return ok(shapes.pairing(gateway, targets.identity_row(gateway)))
