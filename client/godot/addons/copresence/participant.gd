class_name CopresenceParticipant
extends RefCounted
## One member of the session.

var slot := -1
var id := ""
var name := ""
## [code]host[/code], [code]participant[/code] or [code]spectator[/code].
var role := ""
## False while their connection is gone and their place is kept.
var is_live := false


static func of_message(info: Dictionary) -> CopresenceParticipant:
	var participant := CopresenceParticipant.new()
	participant.slot = int(info["slot"])
	participant.id = info["participantId"]
	participant.name = info["name"]
	participant.role = info["role"]
	participant.is_live = info["presence"] == "live"
	return participant
