extends Control
## Two people in one session, side by side: each picture is what one of them sees. Arguments behind `--`: the server's address and a token.

@export var url := "ws://127.0.0.1:7300"
@export var token := ""


func _ready() -> void:
	var args := OS.get_cmdline_user_args()
	for client: CopresenceClient in [%Ada.client, %Bob.client]:
		client.url = args[0] if args else url
		client.token = args[1] if args.size() > 1 else token
		client.join()
