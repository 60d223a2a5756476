class_name CopresenceError
extends RefCounted
## Why something was refused, or a connection has ended, with a code of docs/spec.md [ERR5].

enum Retry {
	NEVER, ## The same input fails again.
	LATER, ## The same may work after [member retry_after_ms].
	RECONNECT, ## It may work on a new connection, which the client tries by itself.
}

## What a connection ends with, of which the server could say no more than the number: close code to code and retry.
const _CLOSE_CODES := {
	1003: ["TEXT_NOT_SUPPORTED", Retry.NEVER], 1007: ["PACKET_MALFORMED", Retry.NEVER], 1009: ["PACKET_TOO_LARGE", Retry.NEVER],
	4400: ["VERSION_UNSUPPORTED", Retry.NEVER], 4401: ["TOKEN_INVALID", Retry.NEVER], 4402: ["TOKEN_REVOKED", Retry.NEVER], 4403: ["SESSION_FORBIDDEN", Retry.NEVER],
	4404: ["RESUME_REFUSED", Retry.RECONNECT], 4408: ["HELLO_TIMEOUT", Retry.RECONNECT], 4409: ["REPLACED", Retry.NEVER], 4410: ["HEARTBEAT_TIMEOUT", Retry.RECONNECT],
	4413: ["SLOW_CONSUMER", Retry.RECONNECT], 4420: ["FLOODING", Retry.NEVER], 4423: ["SESSION_LOCKED", Retry.LATER], 4424: ["KICKED", Retry.NEVER],
	4425: ["SESSION_ENDED", Retry.NEVER], 4429: ["TOO_MANY_ERRORS", Retry.LATER], 4430: ["SESSION_FULL", Retry.LATER], 4431: ["SERVER_FULL", Retry.LATER], 4503: ["SERVER_DRAINING", Retry.RECONNECT],
}

## Such as [code]TOKEN_INVALID[/code].
var code := ""
## For people.
var detail := ""
## The refused message's type, [code]pose[/code], [code]packet[/code] or a task.
var about := ""
var retry := Retry.RECONNECT
var retry_after_ms := 0.0
## The connection ends after this.
var closing := false


static func of_message(message: Dictionary) -> CopresenceError:
	var error := CopresenceError.new()
	error.code = str(message.get("code", ""))
	error.detail = str(message.get("detail", ""))
	error.about = str(message.get("about", ""))
	error.retry = {"never": Retry.NEVER, "later": Retry.LATER}.get(message.get("retry"), Retry.RECONNECT)
	var after: Variant = message.get("retryAfterMs")
	error.retry_after_ms = clampf(after, 0.0, 600000.0) if after is float or after is int else 0.0
	error.closing = message.get("closing") == true
	return error


static func of_close(close_code: int) -> CopresenceError:
	var row: Array = _CLOSE_CODES.get(close_code, ["CONNECTION_LOST", Retry.RECONNECT])
	var error := CopresenceError.new()
	error.code = row[0]
	error.retry = row[1]
	error.about = "packet"
	error.closing = true
	return error


func _to_string() -> String:
	return "%s (%s) %s" % [code, about, detail]
