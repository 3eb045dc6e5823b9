from cellrig import main

main()
