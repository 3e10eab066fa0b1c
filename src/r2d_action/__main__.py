from r2d_action.cli.main import main

if __name__ == "__main__":
    main()
