using System;
using System.Collections.Generic;
using System.Threading;

namespace Copresence.Tests
{
    /// <summary>How long a pose takes from one client through the server to another. Its number travels as its x in millimetres, which the wire keeps exactly.</summary>
    public static class RoundTrip
    {
        const int Numbers = 60000;

        public static int Measure(string url, string token, string session, double rateHz, double seconds)
        {
            var sender = new CopresenceClient(new ClientOptions { Url = url, Token = token, Session = session, Name = "Sender" });
            var receiver = new CopresenceClient(new ClientOptions { Url = url, Token = token, Session = session, Name = "Receiver" });
            var sentMs = new double[Numbers];
            var tookMs = new List<double>();
            receiver.PoseReceived += (slot, heard) =>
            {
                int number = ((int)Math.Round(heard.Head.X * 1000.0) + Numbers / 2) % Numbers;
                if (sentMs[number] > 0) tookMs.Add(CopresenceClient.NowMs - sentMs[number]);
                sentMs[number] = 0;
            };
            sender.Connect();
            receiver.Connect();
            var sample = new PoseSample { Valid = Parts.Head, Tracked = Parts.Head };
            double dueMs = 0, endMs = 0;
            // Looked after each millisecond, where a game does so once a frame. Half a second more for the last ones.
            for (int next = 0; (endMs == 0 || CopresenceClient.NowMs < endMs + 500) && sender.State != ClientState.Ended && receiver.State != ClientState.Ended; Thread.Sleep(1))
            {
                sender.Dispatch();
                receiver.Dispatch();
                double nowMs = CopresenceClient.NowMs;
                if (sender.State != ClientState.Live || receiver.State != ClientState.Live) continue;
                if (endMs == 0)
                {
                    endMs = nowMs + 1000 * seconds;
                    dueMs = nowMs;
                }
                if (nowMs < dueMs || nowMs > endMs) continue;
                dueMs = Math.Max(dueMs + 1000 / rateHz, nowMs);
                sample.CaptureMs = sentMs[next] = nowMs;
                sample.Head = new Pose((float)((next - Numbers / 2) / 1000.0), 0, 0, 0, 0, 0, 1);
                next = (next + 1) % Numbers;
                sender.SendPose(sample);
            }
            sender.Dispose();
            receiver.Dispose();
            tookMs.Sort();
            Live.Print("seen", tookMs.Count, "p50Ms", At(tookMs, 0.5), "p99Ms", At(tookMs, 0.99));
            return tookMs.Count > 0 ? 0 : 1;
        }

        static double At(List<double> sorted, double share)
        {
            return sorted.Count == 0 ? 0 : sorted[(int)(share * (sorted.Count - 1))];
        }
    }
}
