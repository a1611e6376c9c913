"""The gateway's wire protocol (OpenClaw, protocol 4). Pure asyncio, knows no Django.

Stable public interface; import the modules, nothing is re-exported here.

identity
    ``DeviceIdentity.create() -> DeviceIdentity``; ``from_dict(stored)``; ``to_dict()`` (sealed by
    the caller); ``sign(SignedFacts) -> DeviceBlock``
target
    ``Target(url, token="", identity=None, device_token="", allow_insecure_tls=False,
    disable_device_pairing=False, resolve=None, headers={}, client=ClientInfo())``;
    ``Resolve = Callable[[str, int], Awaitable[Sequence[str]]]`` is the address guard's hook: it
    returns the checked addresses to dial or raises ``errors.AddressRefused``
client
    ``async with GatewayClient.connect(target, caps=(), scopes=ALL_SCOPES, require_scopes=None,
    on_event=None, connect_timeout=10.0) as client`` (or ``await`` it and ``await client.close()``)
    ``await client.call(method, params=None, *, timeout=None)``; ``client.supports(method)``;
    ``client.hello: frames.Hello``; ``client.boot_id``; ``client.closed: Future[Closed]``;
    ``client.is_open``; ``REVIEWER_CAPS`` for the permanent connection
frames
    ``Event(name, payload, seq)``, ``Hello(version, scopes, methods, device_token, ...)``,
    ``ALL_SCOPES``
errors
    ``GatewayError(cause, code, detail_code, reason, details, retryable, retry_after_ms,
    request_id, device_id)`` > ``GatewayConnectError`` (``AddressRefused``, ``HandshakeRefused``,
    ``MissingScopes``), ``GatewayClosed``, ``CallTimeout``, ``FrameTooLarge``, ``GatewayCallError``
    (``MissingScopeError``, ``UnknownMethodError``, ``AlreadyExistsError``, ``RemoteNotFoundError``,
    ``UnsupportedFileError``, ``StaleHashError``, ``InvalidConfigError``,
    ``AlreadyResolvedError``); ``Cause`` names what an operator can act on
backoff
    ``Backoff().next_delay(error=None) -> float``; ``may_retry(error) -> bool``
supervise
    ``await hold(target_factory, *, on_ready, on_event, on_state, stop)`` keeps one permanent
    reviewer connection; ``LinkState``, ``Report``
provisioning
    ``ensure_agent``, ``write_files``, ``write_header_file`` (token for ``curl -H @BOOTSTRAP.md``),
    ``patch_config``, ``Heartbeat``, ``delete_agent``, ``allow_command``
sessions
    ``ensure_session``, ``send_chat``, ``wake``, ``reset_session``, ``delete_session``,
    ``list_sessions``, ``describe_session``, ``has_active_run``, ``chat_history``, ``abort_chat``
visibility
    ``when_visible``
version
    ``judge_version(version, minimum) -> Verdict``
diagnose
    ``await diagnose(target, options=Options()) -> Diagnosis(checks, cause)``
redact
    ``redact_text(text, secrets=())``, ``redact_json(value, secrets=())``
"""
