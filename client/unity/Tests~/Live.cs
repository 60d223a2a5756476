using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;

namespace Copresence.Tests
{
    /// <summary>A participant for tests: live.exe url token session name seconds. Sends a head and a hand at 90 Hz and a line of chat, and prints what it hears as JSON lines.</summary>
    public static class Live
    {
        public static int Main(string[] args)
        {
            var client = new CopresenceClient(new ClientOptions { Url = args[0], Token = args[1], Session = args[2], Name = args[3] });
            var avatars = new Dictionary<int, AvatarBuffer>();
            var counts = new Dictionary<int, int>();
            var drawn = new PoseSample();
            bool spoken = false;
            client.StateChanged += (state, code) =>
            {
                Print("state", Quote(state.ToString().ToLowerInvariant()), "code", Quote(code), "slot", client.Slot.ToString());
                if (state == ClientState.Live && !spoken) spoken = client.Say("I am " + args[3]);
            };
            client.ChatReceived += chat => Print("chat", Quote((string)chat["text"]), "slot", chat["slot"].ToString());
            client.Refused += error => Print("refused", Quote((string)error["code"]));
            client.PoseReceived += (slot, sample) =>
            {
                if (!avatars.ContainsKey(slot)) avatars[slot] = new AvatarBuffer();
                avatars[slot].Add(sample);
                counts[slot] = counts.ContainsKey(slot) ? counts[slot] + 1 : 1;
                if (counts[slot] % 50 != 1) return;
                double ageMs = client.ServerNowMs - sample.CaptureMs;
                AvatarSource source = avatars[slot].Sample(client.ServerNowMs - 50, drawn);
                Print("pose", slot.ToString(), "y", Number(drawn.Head.Y), "source", ((int)source).ToString(), "ageMs", Number(ageMs), "hands", (sample.Valid & (Parts.LeftHand | Parts.RightHand)) != 0 ? "true" : "false");
            };
            client.Connect();
            double startMs = CopresenceClient.NowMs, dueMs = startMs, untilMs = startMs + 1000 * double.Parse(args[4], CultureInfo.InvariantCulture);
            var own = new PoseSample { Valid = Parts.Head | Parts.LeftHand, Tracked = Parts.Head };
            for (int joint = 0; joint < Codec.HandJoints; joint++) own.LeftHand[joint] = new Pose(-0.2f, 1.2f, -0.3f - 0.005f * (joint % 5), 0, 0, 0, 1);
            while (client.State != ClientState.Ended && CopresenceClient.NowMs < untilMs)
            {
                client.Dispatch();
                own.CaptureMs = CopresenceClient.NowMs;
                own.Head = new Pose((float)Math.Sin(own.CaptureMs / 1000), 1.6f, 0, 0, 0, 0, 1);
                client.SendPose(own);
                dueMs = Math.Max(dueMs + 1000 / 90.0, CopresenceClient.NowMs);
                Thread.Sleep(Math.Max(0, (int)(dueMs - CopresenceClient.NowMs)));
            }
            client.Dispose();
            return 0;
        }

        static string Quote(string text)
        {
            return "\"" + text + "\"";
        }

        static string Number(double value)
        {
            return value.ToString("R", CultureInfo.InvariantCulture);
        }

        static void Print(params string[] fields)
        {
            var parts = new List<string>();
            for (int at = 0; at < fields.Length; at += 2) parts.Add(Quote(fields[at]) + ":" + fields[at + 1]);
            Console.WriteLine("{" + string.Join(",", parts) + "}");
            Console.Out.Flush();
        }
    }
}
