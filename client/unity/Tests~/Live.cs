using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using System.Threading;

namespace Copresence.Tests
{
    /// <summary>
    /// A participant for tests: live.exe url token session name. Sends a head and a hand at 90 Hz and a line of chat, prints what it hears and draws as JSON lines,
    /// and does what it is told on standard input: `say text`, `consent on|off`, `stall ms`, `quit`; it ends when that ends. live.exe round-trip url token
    /// session rate seconds: how long a pose takes from one client to another, both of this process. live.exe outcomes file and live.exe bench file: see Outcomes and CodecBench.
    /// </summary>
    public static class Live
    {
        static readonly ConcurrentQueue<string> Commands = new ConcurrentQueue<string>();

        public static int Main(string[] args)
        {
            if (args.Length == 2 && args[0] == "outcomes") Outcomes.Print(args[1]);
            else if (args.Length == 2 && args[0] == "bench") CodecBench.Run(args[1]);
            else if (args.Length == 6 && args[0] == "round-trip") return RoundTrip.Measure(args[1], args[2], args[3], Parse(args[4]), Parse(args[5]));
            else if (args.Length == 4) Participate(new ClientOptions { Url = args[0], Token = args[1], Session = args[2], Name = args[3] });
            else return 2;
            return 0;
        }

        static void Participate(ClientOptions options)
        {
            new Thread(ReadCommands) { IsBackground = true }.Start();
            var client = new CopresenceClient(options);
            var avatars = new Dictionary<int, AvatarBuffer>();
            var newestMs = new Dictionary<int, double>();
            var drawn = new PoseSample();
            bool spoken = false;
            client.StateChanged += (state, code) =>
            {
                Print("state", state.ToString().ToLowerInvariant(), "code", code, "slot", client.Slot);
                if (state == ClientState.Live && !spoken) spoken = client.Say("I am " + options.Name);
            };
            client.ParticipantChanged += participant => Print("participant", participant.Name, "slot", participant.Slot, "live", participant.Live);
            client.ChatReceived += chat => Print("chat", chat["text"], "slot", chat["slot"]);
            client.ResultReceived += result => Print("result", ((Dictionary<string, object>)result["value"])["task"], "slot", result["slot"]);
            client.Refused += error => Print("refused", error["code"], "about", error["about"]);
            client.PoseReceived += (slot, sample) =>
            {
                if (!avatars.ContainsKey(slot)) avatars[slot] = new AvatarBuffer();
                avatars[slot].Add(sample);
                newestMs[slot] = sample.CaptureMs;
            };
            client.Connect();
            var own = new PoseSample { Valid = Parts.Head | Parts.LeftHand, Tracked = Parts.Head };
            for (int joint = 0; joint < Codec.HandJoints; joint++) own.LeftHand[joint] = new Pose(-0.2f, 1.2f, -0.3f - 0.005f * (joint % 5), 0, 0, 0, 1);
            double dueMs = CopresenceClient.NowMs;
            for (int frames = 1; client.State != ClientState.Ended; frames++)
            {
                Obey(client);
                client.Dispatch();
                own.CaptureMs = CopresenceClient.NowMs;
                own.Head = new Pose((float)Math.Sin(own.CaptureMs / 1000), 1.6f, 0, 0, 0, 0, 1);
                client.SendPose(own);
                // Each ninth frame says what is drawn of everybody.
                if (frames % 9 == 0)
                {
                    foreach (KeyValuePair<int, AvatarBuffer> avatar in avatars)
                    {
                        AvatarSource source = avatar.Value.Sample(client.ServerNowMs - client.DrawDelayMs(avatar.Key), drawn);
                        Print("avatar", avatar.Key, "y", drawn.Head.Y, "source", source.ToString().ToLowerInvariant(), "ageMs", client.ServerNowMs - newestMs[avatar.Key], "hands", (drawn.Valid & (Parts.LeftHand | Parts.RightHand)) != 0);
                    }
                }
                dueMs = Math.Max(dueMs + 1000 / 90.0, CopresenceClient.NowMs);
                Thread.Sleep(Math.Max(0, (int)(dueMs - CopresenceClient.NowMs)));
            }
            client.Dispose();
        }

        static void ReadCommands()
        {
            string line;
            while ((line = Console.In.ReadLine()) != null) Commands.Enqueue(line);
            Commands.Enqueue("quit");
        }

        static void Obey(CopresenceClient client)
        {
            string line;
            while (Commands.TryDequeue(out line))
            {
                string[] words = line.Split(new[] { ' ' }, 2);
                if (words[0] == "say") client.Say(words[1]);
                else if (words[0] == "consent") client.SetConsent(words[1] == "on", false, false);
                else if (words[0] == "stall") Thread.Sleep(int.Parse(words[1]));
                else if (words[0] == "quit") client.Dispose();
                Print("done", line);
            }
        }

        public static double Parse(string text)
        {
            return double.Parse(text, CultureInfo.InvariantCulture);
        }

        public static void Print(params object[] fields)
        {
            var line = new StringBuilder("{");
            for (int at = 0; at < fields.Length; at += 2) line.Append(at > 0 ? "," : "").Append(Json(fields[at])).Append(':').Append(Json(fields[at + 1]));
            Console.WriteLine(line.Append('}'));
            Console.Out.Flush();
        }

        static string Json(object value)
        {
            if (value is bool) return (bool)value ? "true" : "false";
            if (!(value is string)) return ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture);
            var text = new StringBuilder("\"");
            foreach (char letter in (string)value)
            {
                if (letter < ' ' || letter == '"' || letter == '\\') text.Append("\\u").Append(((int)letter).ToString("x4"));
                else text.Append(letter);
            }
            return text.Append('"').ToString();
        }
    }
}
