class_name CopresenceLink
extends RefCounted
## One WebSocket to a server: packets in, messages out, and why it has ended.

const SUBPROTOCOL := "copresence.v1"
## The server's list of everybody may be as large as a packet.
const _INBOUND_BYTES := 2 * CopresenceCodec.PACKET_BYTES
const _OUTBOUND_BYTES := 1 << 18

## When something was heard last, device clock.
var heard_ms := 0.0
## Whether the server has welcomed this connection.
var is_greeted := false
## What the server has said of the end before it came.
var last_words: CopresenceError
var _peer := WebSocketPeer.new()
var _is_prompt := false


## Any error is one of the address itself; what goes wrong later is the end of the link.
func open(url: String) -> Error:
	_peer.supported_protocols = PackedStringArray([SUBPROTOCOL])
	_peer.inbound_buffer_size = _INBOUND_BYTES
	_peer.outbound_buffer_size = _OUTBOUND_BYTES
	return _peer.connect_to_url(url)


func poll() -> void:
	_peer.poll()
	if not _is_prompt and is_open():
		_is_prompt = true
		# Else a pose waits for the one before it to be acknowledged; a browser sees to it by itself.
		if not OS.has_feature("web"):
			_peer.set_no_delay(true)


func is_open() -> bool:
	return _peer.get_ready_state() == WebSocketPeer.STATE_OPEN


func is_closed() -> bool:
	return _peer.get_ready_state() == WebSocketPeer.STATE_CLOSED


## The next packet; empty when none waits.
func next_packet() -> PackedByteArray:
	return _peer.get_packet() if _peer.get_available_packet_count() > 0 else PackedByteArray()


func send(kind: CopresenceCodec.Kind, payload: PackedByteArray) -> bool:
	return is_open() and _peer.send(CopresenceCodec.frame_message(kind, payload)) == OK


## Bytes that were sent and have not left.
func waiting_bytes() -> int:
	return _peer.get_current_outbound_buffered_amount()


func close() -> void:
	if not is_closed():
		_peer.close()
		_peer.poll()


func why_closed() -> CopresenceError:
	return last_words if last_words else CopresenceError.of_close(_peer.get_close_code())
