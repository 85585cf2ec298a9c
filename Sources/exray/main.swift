print("exray")
